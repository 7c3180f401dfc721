"""OAuth credentials mediated by Posit Connect.

Content on Connect exchanges the session credential that Connect gives it for a token of a third-party service, such as
Databricks, Snowflake, Azure or AWS:

    import connectcreds

    token = connectcreds.service_account_token(resource="https://example.cloud.databricks.com")
    headers = {"Authorization": token.authorization}

Ask for a token before every request you send: all calls in a process share one cache. Calls may be made on any thread
and in a child after a fork.

Modules, imported when they are first used: `auth` for requests and httpx; `aws`, `azure`, `databricks`, `google`,
`snowflake`, `sqlalchemy` and `odbc` for the SDKs of these names; `sessions` and `fastapi` for web frameworks; `aio` for
asyncio; `testing` for the tests of programs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._credentials import (
    aws_credentials,
    exchange_token,
    has_service_account_token,
    has_viewer_token,
    has_workload_token,
    running_on_connect,
    service_account_token,
    viewer_token,
    workload_token,
)
from ._integrations import Integration, integrations
from ._logging import disable_logging, enable_logging
from ._process import CacheStats, cache_stats, clear_cache, configure, diagnose, forget_session, version
from ._requests import Options
from ._token import AwsCredentials, Token, TokenType
from ._version import __version__
from .errors import (
    BadResponseError,
    CancelledError,
    ConnectCredentialsError,
    InternalError,
    InvalidArgumentError,
    NetworkError,
    NoApiKeyError,
    NoServerError,
    NoSessionError,
    NotOnConnectError,
    NotSupportedError,
    RefusedError,
    Status,
    TimeoutError,  # noqa: A004 - it is one
    TlsError,
)

__all__ = [
    "AwsCredentials",
    "BadResponseError",
    "CacheStats",
    "CancelledError",
    "ConnectCredentialsError",
    "Integration",
    "InternalError",
    "InvalidArgumentError",
    "NetworkError",
    "NoApiKeyError",
    "NoServerError",
    "NoSessionError",
    "NotOnConnectError",
    "NotSupportedError",
    "Options",
    "RefusedError",
    "Status",
    "TimeoutError",
    "TlsError",
    "Token",
    "TokenType",
    "__version__",
    "aws_credentials",
    "cache_stats",
    "clear_cache",
    "configure",
    "diagnose",
    "disable_logging",
    "enable_logging",
    "exchange_token",
    "forget_session",
    "has_service_account_token",
    "has_viewer_token",
    "has_workload_token",
    "integrations",
    "running_on_connect",
    "service_account_token",
    "version",
    "viewer_token",
    "workload_token",
]

_MODULES = frozenset(
    (
        "aio",
        "auth",
        "aws",
        "azure",
        "databricks",
        "fastapi",
        "google",
        "odbc",
        "sessions",
        "snowflake",
        "sqlalchemy",
        "testing",
    )
)


if TYPE_CHECKING:
    from . import (
        aio as aio,
    )
    from . import (
        auth as auth,
    )
    from . import (
        aws as aws,
    )
    from . import (
        azure as azure,
    )
    from . import (
        databricks as databricks,
    )
    from . import (
        fastapi as fastapi,
    )
    from . import (
        google as google,
    )
    from . import (
        odbc as odbc,
    )
    from . import (
        sessions as sessions,
    )
    from . import (
        snowflake as snowflake,
    )
    from . import (
        sqlalchemy as sqlalchemy,
    )
    from . import (
        testing as testing,
    )
else:

    def __getattr__(name):
        if name in _MODULES:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
