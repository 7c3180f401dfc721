"""Measures a cached token, awaited or not, an exchange and imports, and for comparison other clients, in the same run.

`benches/run` runs it. It needs the path of the release library in CONNECTCREDS_LIB, bindings/python/src on PYTHONPATH,
google-auth, azure-identity and posit-sdk, and runs under connect-standin.
"""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import connectcreds
import requests
import urllib3
from azure.core.pipeline.transport import AsyncioRequestsTransport, RequestsTransport
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from connectcreds import _abi, aio
from connectcreds.auth import token_provider
from connectcreds.azure import AsyncConnectCredential, ConnectCredential
from google.oauth2.credentials import Credentials

ROUNDS = 51
CALLS = 2000
RESOURCE = "https://example.cloud.databricks.com"
SCOPE = "https://storage.azure.com/.default"
VIEWER = os.environ["STANDIN_VIEWER_TOKEN"]


class Azure(requests.adapters.HTTPAdapter):
    """Responds like Microsoft Entra, without a network."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        tenant = "https://login.microsoftonline.com/tenant"
        body = {
            "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            "issuer": f"{tenant}/v2.0",
            "access_token": "a" * 1000,
            "expires_in": 3600,
            "token_type": "Bearer",
        }
        headers = {"Content-Type": "application/json"}
        raw = urllib3.HTTPResponse(io.BytesIO(json.dumps(body).encode()), headers, 200, preload_content=False)
        return self.build_response(request, raw)


def azure_credential(credential: Any, transport: Any) -> Any:
    session = requests.Session()
    session.mount("https://", Azure())
    sends = transport(session=session, session_owner=False)
    return credential("tenant", "client", "secret", transport=sends, disable_instance_discovery=True)


def azure() -> Callable[[], object]:
    return partial(azure_credential(ClientSecretCredential, RequestsTransport).get_token, SCOPE)


def google() -> Callable[[], object]:
    expiry = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(hours=1)
    credentials = Credentials("a" * 1000, expiry=expiry)
    # New headers for each request, because the call depends on the headers that it finds.
    return lambda: credentials.before_request(None, "GET", RESOURCE, {})


def adapter() -> Callable[[], object]:
    return partial(ConnectCredential(connectcreds.service_account_token).get_token, SCOPE)


def ours() -> Callable[[], object]:
    def before_request() -> None:
        headers: dict[str, str] = {}
        headers["authorization"] = connectcreds.service_account_token(resource=RESOURCE).authorization

    return before_request


MEASURES: list[tuple[str, Callable[[], object]]] = [
    ("service_account_token()", connectcreds.service_account_token),
    ("service_account_token(resource=…)", partial(connectcreds.service_account_token, resource=RESOURCE)),
    ("viewer_token(…)", partial(connectcreds.viewer_token, VIEWER)),
    ("has_service_account_token()", connectcreds.has_service_account_token),
    ("service_account_token(resource=…).authorization, into a header", ours()),
    ("auth.token_provider()", token_provider(connectcreds.service_account_token, resource=RESOURCE)),
    ("azure.ConnectCredential: get_token", adapter()),
    ("google-auth: before_request, into a header", google()),
    ("azure-identity: get_token", azure()),
    ("of it: a call by ctypes, cc_running_on_connect()", _abi.cc_running_on_connect),
]


def round_of(call: Callable[[], object]) -> float:
    """Microseconds of this thread's processor time for one call."""
    begin = time.thread_time_ns()
    for _ in range(CALLS):
        call()
    return (time.thread_time_ns() - begin) / CALLS / 1000


#: Awaited on one event loop; the worker threads' time counts, so it is that of the process.
AWAITED = 300
#: Each in a process of its own.
IMPORTS = ["connectcreds", "connectcreds.auth", "google.oauth2.credentials", "azure.identity", "boto3", "posit.connect"]


def awaited() -> dict[str, list[float]]:
    """Microseconds of the process's processor time for one awaited hit, for each round; by measure."""

    async def rounds() -> dict[str, list[float]]:
        credential = azure_credential(AsyncClientSecretCredential, AsyncioRequestsTransport)
        ours = AsyncConnectCredential(connectcreds.service_account_token)
        measures = {
            "aio.service_account_token(resource=…), awaited": partial(aio.service_account_token, resource=RESOURCE),
            "aio.viewer_token(…), awaited": partial(aio.viewer_token, VIEWER),
            "azure.AsyncConnectCredential: get_token, awaited": partial(ours.get_token, SCOPE),
            "azure-identity: get_token, awaited": partial(credential.get_token, SCOPE),
        }
        times: dict[str, list[float]] = {name: [] for name in measures}
        for call in measures.values():
            await call()
        for _ in range(ROUNDS):
            for name, call in measures.items():
                begin = time.process_time_ns()
                for _ in range(AWAITED):
                    await call()
                times[name].append((time.process_time_ns() - begin) / AWAITED / 1000)
        return times

    return asyncio.run(rounds())


def import_ms(module: str) -> float | None:
    """Milliseconds of processor time that an import takes in a new process; None when it is not installed."""
    source = f"import time; t = time.process_time(); import {module}; print((time.process_time() - t) * 1000)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None


def posit_sdk() -> Callable[[], object] | None:
    """An exchange by posit-sdk, which has no cache; None when it is not installed."""
    try:
        from posit.connect import Client
    except ImportError:
        return None
    client = Client(url=os.environ["CONNECT_SERVER"], api_key=os.environ["CONNECT_API_KEY"])
    # Otherwise it would request the version from the server.
    client._ctx.version = "2026.02.0"
    # What client.oauth returns does not keep the client.
    return lambda: client.oauth.get_content_credentials()


#: Rounds, and exchanges in each, by the wall clock.
EXCHANGE_ROUNDS, EXCHANGES = 51, 10


def exchanges() -> None:
    """Prints the microseconds of an exchange, beside posit-sdk's."""
    forced = partial(connectcreds.service_account_token, resource=RESOURCE, force_refresh=True)
    measures = [("exchange in Python: connectcreds", forced), ("exchange in Python: posit-sdk", posit_sdk())]
    times: dict[str, list[float]] = {name: [] for name, call in measures if call}
    for _ in range(EXCHANGE_ROUNDS):
        for name, call in measures:
            if call:
                begin = time.perf_counter_ns()
                for _ in range(EXCHANGES):
                    call()
                times[name].append((time.perf_counter_ns() - begin) / EXCHANGES / 1000)
    print(f"\nAn exchange: µs by the wall clock, median of {EXCHANGE_ROUNDS} rounds of {EXCHANGES} (least to most)\n")
    for name, taken in times.items():
        print(f"  {name:<66} {statistics.median(taken):6.1f}  ({min(taken):.1f} to {max(taken):.1f})")
        record(name, "us", taken)


def record(name: str, unit: str, times: list[float]) -> None:
    """Adds a measure to the results that summary.py reads."""
    if path := os.environ.get("BENCH_RESULTS"):
        with open(path, "a", encoding="utf-8") as results:
            results.write(f"{name}\t{unit}\t{statistics.median(times):.3f}\n")


def main() -> None:
    for _, call in MEASURES:
        call()
    rounds = [[round_of(call) for _, call in MEASURES] for _ in range(ROUNDS)]
    print(f"A cached token: µs per call, median of {ROUNDS} rounds of {CALLS} calls (least to most)\n")
    for (name, _), times in zip(MEASURES, zip(*rounds)):
        print(f"  {name:<66} {statistics.median(times):6.2f}  ({min(times):.2f} to {max(times):.2f})")
        record(name, "us", list(times))
    for name, times in awaited().items():
        print(f"  {name:<66} {statistics.median(times):6.2f}  ({min(times):.2f} to {max(times):.2f})")
        record(name, "us", times)

    exchanges()

    print("\nImporting: ms, median of 11 processes\n")
    for module in IMPORTS:
        taken = [import_ms(module) for _ in range(11)]
        known = [each for each in taken if each is not None]
        if known:
            record(f"import {module}", "ms", known)
            print(f"  {module:<66} {statistics.median(known):6.1f}  ({min(known):.1f} to {max(known):.1f})")
        else:
            print(f"  {module:<66} not installed")


main()
