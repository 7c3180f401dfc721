"""The process-wide cache and configuration, and the diagnostic report."""

from __future__ import annotations

import os
from collections.abc import Callable
from ctypes import byref, c_void_p, sizeof, string_at
from typing import Any, NamedTuple, Optional, Union

from . import _abi, errors
from ._credentials import NOT_GIVEN, NotGiven
from ._handles import ResultPair, encoded
from ._requests import path, uint32


class CacheStats(NamedTuple):
    """Counts since the process began; a forked child continues with its parent's."""

    #: Calls answered with a fresh token from the cache.
    hits: int
    #: Calls answered with a token from the cache while a refresh is in progress or has recently failed.
    stale_hits: int
    #: Calls that found no valid token in the cache.
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
    """Returns the counts of the cache."""
    stats = _abi.CacheStatsStruct()
    _abi.cc_cache_get_stats(byref(stats), sizeof(stats))
    return CacheStats(*(getattr(stats, name) for name in CacheStats._fields))


def clear_cache() -> None:
    """Drops every cached token and remembered refusal. Tokens that the program holds stay valid."""
    _abi.cc_cache_clear()


def forget_session(session_token: Optional[str]) -> None:
    """Drops everything cached for a viewer's session token: call it when the viewer leaves. None is a no-op."""
    _abi.cc_cache_forget_session(encoded("session_token", session_token))


def version() -> str:
    """Returns the version of the library."""
    number: bytes = _abi.cc_version()
    return number.decode()


def diagnose() -> str:
    """Returns a report for a bug ticket: version, environment, server, certificates, cache, last errors. No secrets."""
    report = c_void_p()
    try:
        status = _abi.cc_diagnose(byref(report))
        if status:
            raise errors.from_status(status, _abi.cc_status_name(status).decode())
        return string_at(report.value or 0).decode()
    finally:
        _abi.cc_string_free(report)


__tracebackhide__ = True

_Number = Union[int, None, NotGiven]


def configure(
    *,
    ca_bundle: Union[str, os.PathLike[str], NotGiven, None] = NOT_GIVEN,
    timeout_ms: _Number = NOT_GIVEN,
    attempt_timeout_ms: _Number = NOT_GIVEN,
    connect_timeout_ms: _Number = NOT_GIVEN,
    max_attempts: _Number = NOT_GIVEN,
    cache_capacity: _Number = NOT_GIVEN,
    cache_bytes: _Number = NOT_GIVEN,
    default_lifetime_s: _Number = NOT_GIVEN,
    background_refresh: Union[bool, NotGiven, None] = NOT_GIVEN,
) -> None:
    """Configures the whole process. None and 0 restore the default; an argument that is not given changes nothing.

    Args:
        ca_bundle: path of a PEM file of certificates to trust, in addition to the system's.
        timeout_ms: deadline of a whole call, in milliseconds; 20,000 by default.
        attempt_timeout_ms: timeout of one attempt, in milliseconds; 8,000 by default.
        connect_timeout_ms: timeout of connecting, in milliseconds; 3,000 by default.
        max_attempts: maximum number of attempts of a call; 3 by default.
        cache_capacity: maximum number of cache entries; 10,000 by default.
        cache_bytes: maximum memory of the cache, in bytes; 67,108,864 by default.
        default_lifetime_s: how long a token without a stated lifetime is cached, in seconds; 600 by default.
        background_refresh: whether a token close to its expiry is refreshed in the background; True by default.

    Raises:
        InvalidArgumentError: a value cannot be used, such as a bundle that holds no certificate. The values before
            it, in the order above, are set.
    """
    if ca_bundle is not NOT_GIVEN:
        answer = ResultPair()
        _check(
            _abi.cc_config_set_ca_bundle(encoded("ca_bundle", path("ca_bundle", ca_bundle)), answer.error_out()), answer
        )
    numbers: tuple[tuple[str, _Number, Callable[[int], int]], ...] = (
        ("timeout_ms", timeout_ms, _abi.cc_config_set_timeout_ms),
        ("attempt_timeout_ms", attempt_timeout_ms, _abi.cc_config_set_attempt_timeout_ms),
        ("connect_timeout_ms", connect_timeout_ms, _abi.cc_config_set_connect_timeout_ms),
        ("max_attempts", max_attempts, _abi.cc_config_set_max_attempts),
        ("cache_capacity", cache_capacity, _abi.cc_config_set_cache_capacity),
        ("cache_bytes", cache_bytes, _abi.cc_config_set_cache_bytes),
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
        raise (answer or ResultPair()).failure(status)
