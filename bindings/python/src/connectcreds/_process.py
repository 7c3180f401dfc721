"""What belongs to the process: the cache, the configuration, a report."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref, c_void_p, sizeof, string_at
from typing import Any, NamedTuple, Union

from . import _abi, errors
from ._credentials import NOT_GIVEN, NotGiven
from ._handles import Answer, encoded
from ._requests import uint32


class CacheStats(NamedTuple):
    """Counts since the process began; a forked child goes on with its parent's."""

    #: Calls answered with a fresh token from the cache.
    hits: int
    #: Calls answered with a token from the cache while a newer one is being looked for, or was in vain a moment ago.
    stale_hits: int
    #: Calls that found no good token in the cache.
    misses: int
    #: Exchanges begun.
    exchanges: int
    #: Calls that waited for an exchange that another call had begun.
    coalesced: int
    #: Exchanges that failed.
    failures: int
    #: Entries evicted because there was no room.
    evictions: int
    #: Tokens in the cache now.
    entries: int


def cache_stats() -> CacheStats:
    """The cache's counts."""
    stats = _abi.CacheStatsStruct()
    _abi.cc_cache_get_stats(byref(stats), sizeof(stats))
    return CacheStats(*(getattr(stats, name) for name in CacheStats._fields))


def clear_cache() -> None:
    """Drops every cached token and remembered refusal. Tokens that the program holds live on."""
    _abi.cc_cache_clear()


def forget_session(session_token: str | None) -> None:
    """Drops all that is held for a viewer's session token: call it when the viewer leaves. None is a no-op."""
    _abi.cc_cache_forget_session(encoded("session_token", session_token))


def version() -> str:
    """The library's version."""
    number: bytes = _abi.cc_version()
    return number.decode()


def diagnose() -> str:
    """A report for a bug ticket: version, environment, server, certificates, cache, last errors. No secret is in it."""
    report = c_void_p()
    try:
        status = _abi.cc_diagnose(byref(report))
        if status:
            raise errors.from_status(status, _abi.cc_status_name(status).decode())
        return string_at(report.value or 0).decode()
    finally:
        _abi.cc_string_free(report)


_Number = Union[int, None, NotGiven]


def configure(
    *,
    ca_bundle: str | NotGiven | None = NOT_GIVEN,
    timeout_ms: _Number = NOT_GIVEN,
    attempt_timeout_ms: _Number = NOT_GIVEN,
    connect_timeout_ms: _Number = NOT_GIVEN,
    max_attempts: _Number = NOT_GIVEN,
    cache_capacity: _Number = NOT_GIVEN,
    default_lifetime_s: _Number = NOT_GIVEN,
    background_refresh: bool | NotGiven | None = NOT_GIVEN,
) -> None:
    """Sets what holds for the whole process. None, and 0, go back to the default; what is not given stays as it is.

    Args:
        ca_bundle: path of a file with certificates to trust, in PEM form, beside the system's.
        timeout_ms: how long a call may take, in milliseconds; 20,000 by default.
        attempt_timeout_ms: how long one attempt of a call may take; 8,000 by default.
        connect_timeout_ms: how long a connection may take; 3,000 by default.
        max_attempts: how often a call tries; 3 by default.
        cache_capacity: how many questions the cache remembers; 10,000 by default.
        default_lifetime_s: how long a token is kept when nobody says how long it lives, in seconds; 600 by default.
        background_refresh: whether a token is renewed in the background when it comes near its end; True by default.

    Raises:
        InvalidArgumentError: a value can not be used, such as a bundle that holds no certificate. Those before it,
            in the order above, are set.
    """
    if ca_bundle is not NOT_GIVEN:
        answer = Answer()
        _check(_abi.cc_config_set_ca_bundle(encoded("ca_bundle", ca_bundle), answer.error_out()), answer)
    numbers: tuple[tuple[str, _Number, Callable[[int], int]], ...] = (
        ("timeout_ms", timeout_ms, _abi.cc_config_set_timeout_ms),
        ("attempt_timeout_ms", attempt_timeout_ms, _abi.cc_config_set_attempt_timeout_ms),
        ("connect_timeout_ms", connect_timeout_ms, _abi.cc_config_set_connect_timeout_ms),
        ("max_attempts", max_attempts, _abi.cc_config_set_max_attempts),
        ("cache_capacity", cache_capacity, _abi.cc_config_set_cache_capacity),
        ("default_lifetime_s", default_lifetime_s, _abi.cc_config_set_default_lifetime_s),
    )
    for name, value, setter in numbers:
        if value is not NOT_GIVEN:
            _check(setter(0 if value is None else uint32(name, value)))
    if background_refresh is not NOT_GIVEN:
        if background_refresh is not None and not isinstance(background_refresh, bool):
            raise TypeError(f"background_refresh is a bool or None, not {type(background_refresh).__name__}")
        _check(_abi.cc_config_set_background_refresh(background_refresh is not False))


def _check(status: int, answer: Any = None) -> None:
    if status:
        raise (answer or Answer()).failure(status)
