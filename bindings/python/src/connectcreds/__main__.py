"""python -m connectcreds doctor"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import __version__, diagnose


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; gives its exit status."""
    parser = argparse.ArgumentParser(prog="python -m connectcreds", description="OAuth credentials by Posit Connect.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser(
        "doctor",
        help="print a report for a bug ticket",
        description="Prints what the library sees: version, environment, server, certificates, cache, last errors. "
        "No secret is in it.",
    )
    parser.parse_args(arguments)
    print(diagnose(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
