"""python -m connectcreds doctor|aws|google"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from . import __version__, diagnose
from ._credentials import aws_credentials, workload_token
from ._doctor import ask, look_up_integrations
from .errors import ConnectCredentialsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m connectcreds", description="OAuth credentials by Posit Connect.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser(
        "doctor",
        help="print a report for a bug ticket",
        description="Prints what the library sees: version, environment, server, certificates, the content's "
        "integrations, cache, last errors. The report contains no secret.",
    )
    doctor.add_argument(
        "--ask",
        action="store_true",
        help="also make one exchange of each kind that the environment allows, and print what came of it",
    )
    doctor.set_defaults(run=_doctor)

    aws = commands.add_parser(
        "aws",
        help="print AWS credentials, as a credential_process of an AWS profile",
        description="Prints AWS credentials of the service account as JSON, for the setting credential_process of an "
        "AWS profile.",
    )
    aws.set_defaults(run=_aws)

    google = commands.add_parser(
        "google",
        help="print a workload token, as an executable-sourced credential of Google Cloud",
        description="Prints the content's workload token as JSON, for the setting credential_source.executable of an "
        "external account's file.",
    )
    google.set_defaults(run=_google)

    for each in (doctor, aws, google):
        which = each.add_mutually_exclusive_group()
        which.add_argument("--integration", help="name, template or GUID of the integration, where there are several")
        which.add_argument("--audience", help="GUID of the integration")
        each.add_argument("--resource", help="URL of the service that the token is for")
        each.add_argument("--scope", help="requested scopes, separated by spaces")

    given = parser.parse_args(arguments)
    status: int = given.run(given)
    return status


def _doctor(given: argparse.Namespace) -> int:
    look_up_integrations()
    if given.ask:
        status = ask(audience=given.audience, integration=given.integration, resource=given.resource, scope=given.scope)
        print()
    else:
        status = 0
    # After the exchanges, so that it has their errors.
    print(diagnose(), end="")
    return status


def _aws(given: argparse.Namespace) -> int:
    try:
        credentials = aws_credentials(
            audience=given.audience, integration=given.integration, resource=given.resource, scope=given.scope
        )
    except ConnectCredentialsError as why:
        print(why, file=sys.stderr)
        return 1
    answer = {
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": None if credentials.expires_at is None else credentials.expires_at.isoformat(),
    }
    print(json.dumps({name: value for name, value in answer.items() if value is not None}))
    return 0


def _google(given: argparse.Namespace) -> int:
    try:
        token = workload_token(
            audience=given.audience, integration=given.integration, resource=given.resource, scope=given.scope
        )
    except ConnectCredentialsError as why:
        # Google's libraries read failures from the standard output, too.
        print(json.dumps({"version": 1, "success": False, "code": type(why).__name__, "message": str(why)}))
        return 1
    answer: dict[str, object] = {
        "version": 1,
        "success": True,
        "token_type": "urn:ietf:params:oauth:token-type:id_token",
        "id_token": token.access_token,
    }
    if token.expires_at is not None:
        answer["expiration_time"] = int(token.expires_at.timestamp())
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
