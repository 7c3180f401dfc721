"""The C ABI, function by function, as include/connectcreds.h declares it; a test compares the two.

A handle is a `c_void_p`. An out-pointer is one, too: the address of where the result goes.
"""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Callable

from ._library import VARIABLE, load

_library = load()


class CacheStatsStruct(Structure):
    """`cc_cache_stats`"""

    _fields_ = tuple(
        (name, c_uint64)
        for name in (
            "hits",
            "stale_hits",
            "misses",
            "exchanges",
            "coalesced",
            "failures",
            "evictions",
            "entries",
        )
    )


class MockResponseStruct(Structure):
    """`cc_mock_response`"""

    _fields_ = (("status", c_int32), ("content_type", c_char_p), ("body", c_char_p))


#: `cc_cancel_fn`
CancelFn = CFUNCTYPE(c_bool, c_void_p)
#: `cc_log_fn`
LogFn = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
#: `cc_mock_fn`
MockFn = CFUNCTYPE(c_bool, c_void_p, c_void_p, c_void_p)


def _bind(name: str, restype: Any, *argtypes: Any) -> Callable[..., Any]:
    try:
        function = getattr(_library, name)
    except AttributeError:
        raise ImportError(
            f"{_library._name} has no {name}: it is older than this package, or another library. {VARIABLE} names "
            "the library to use."
        ) from None
    function.restype = restype
    function.argtypes = argtypes
    return function  # type: ignore[no-any-return]


cc_status_name = _bind("cc_status_name", c_char_p, c_int32)
cc_version = _bind("cc_version", c_char_p)
cc_running_on_connect = _bind("cc_running_on_connect", c_bool)

cc_service_account_token = _bind("cc_service_account_token", c_int32, c_void_p, c_void_p, c_void_p)
cc_viewer_token = _bind("cc_viewer_token", c_int32, c_char_p, c_void_p, c_void_p, c_void_p)
cc_workload_token = _bind("cc_workload_token", c_int32, c_void_p, c_void_p, c_void_p)
cc_exchange_token = _bind("cc_exchange_token", c_int32, c_char_p, c_char_p, c_void_p, c_void_p, c_void_p)
cc_has_service_account_token = _bind("cc_has_service_account_token", c_bool, c_void_p)
cc_has_viewer_token = _bind("cc_has_viewer_token", c_bool, c_char_p, c_void_p)
cc_has_workload_token = _bind("cc_has_workload_token", c_bool, c_void_p)

cc_request_new = _bind("cc_request_new", c_void_p)
cc_request_free = _bind("cc_request_free", None, c_void_p)
cc_request_set_resource = _bind("cc_request_set_resource", c_int32, c_void_p, c_char_p)
cc_request_set_scope = _bind("cc_request_set_scope", c_int32, c_void_p, c_char_p)
cc_request_set_audience = _bind("cc_request_set_audience", c_int32, c_void_p, c_char_p)
cc_request_set_requested_token_type = _bind("cc_request_set_requested_token_type", c_int32, c_void_p, c_char_p)
cc_request_set_content_token = _bind("cc_request_set_content_token", c_int32, c_void_p, c_char_p)
cc_request_set_server_url = _bind("cc_request_set_server_url", c_int32, c_void_p, c_char_p)
cc_request_set_api_key = _bind("cc_request_set_api_key", c_int32, c_void_p, c_char_p)
cc_request_set_param = _bind("cc_request_set_param", c_int32, c_void_p, c_char_p, c_char_p)
cc_request_set_timeout_ms = _bind("cc_request_set_timeout_ms", c_int32, c_void_p, c_uint32)
cc_request_set_min_validity_s = _bind("cc_request_set_min_validity_s", c_int32, c_void_p, c_uint32)
cc_request_set_force_refresh = _bind("cc_request_set_force_refresh", c_int32, c_void_p, c_bool)
cc_request_set_on_connect = _bind("cc_request_set_on_connect", c_int32, c_void_p, c_bool)
cc_request_set_cancel = _bind("cc_request_set_cancel", c_int32, c_void_p, CancelFn, c_void_p)

cc_token_access_token = _bind("cc_token_access_token", c_char_p, c_void_p)
cc_token_type = _bind("cc_token_type", c_char_p, c_void_p)
cc_token_issued_type = _bind("cc_token_issued_type", c_char_p, c_void_p)
cc_token_expires_at = _bind("cc_token_expires_at", c_int64, c_void_p)
cc_token_authorization = _bind("cc_token_authorization", c_char_p, c_void_p)
cc_token_field_count = _bind("cc_token_field_count", c_size_t, c_void_p)
cc_token_field_name = _bind("cc_token_field_name", c_char_p, c_void_p, c_size_t)
cc_token_field_value = _bind("cc_token_field_value", c_char_p, c_void_p, c_size_t)
cc_token_field = _bind("cc_token_field", c_char_p, c_void_p, c_char_p)
cc_token_ref = _bind("cc_token_ref", c_void_p, c_void_p)
cc_token_free = _bind("cc_token_free", None, c_void_p)
cc_token_invalidate = _bind("cc_token_invalidate", c_bool, c_void_p)
cc_token_aws_credentials = _bind("cc_token_aws_credentials", c_int32, c_void_p, c_void_p, c_void_p)
cc_aws_credentials_access_key_id = _bind("cc_aws_credentials_access_key_id", c_char_p, c_void_p)
cc_aws_credentials_secret_access_key = _bind("cc_aws_credentials_secret_access_key", c_char_p, c_void_p)
cc_aws_credentials_session_token = _bind("cc_aws_credentials_session_token", c_char_p, c_void_p)
cc_aws_credentials_expires_at = _bind("cc_aws_credentials_expires_at", c_int64, c_void_p)
cc_aws_credentials_free = _bind("cc_aws_credentials_free", None, c_void_p)

cc_error_status = _bind("cc_error_status", c_int32, c_void_p)
cc_error_message = _bind("cc_error_message", c_char_p, c_void_p)
cc_error_http_status = _bind("cc_error_http_status", c_int32, c_void_p)
cc_error_oauth_code = _bind("cc_error_oauth_code", c_char_p, c_void_p)
cc_error_connect_code = _bind("cc_error_connect_code", c_int32, c_void_p)
cc_error_is_retryable = _bind("cc_error_is_retryable", c_bool, c_void_p)
cc_error_retry_after_ms = _bind("cc_error_retry_after_ms", c_int64, c_void_p)
cc_error_free = _bind("cc_error_free", None, c_void_p)

cc_cache_clear = _bind("cc_cache_clear", None)
cc_cache_forget_session = _bind("cc_cache_forget_session", None, c_char_p)
cc_cache_get_stats = _bind("cc_cache_get_stats", None, POINTER(CacheStatsStruct), c_size_t)
cc_config_set_ca_bundle = _bind("cc_config_set_ca_bundle", c_int32, c_char_p, c_void_p)
cc_config_set_timeout_ms = _bind("cc_config_set_timeout_ms", c_int32, c_uint32)
cc_config_set_attempt_timeout_ms = _bind("cc_config_set_attempt_timeout_ms", c_int32, c_uint32)
cc_config_set_connect_timeout_ms = _bind("cc_config_set_connect_timeout_ms", c_int32, c_uint32)
cc_config_set_max_attempts = _bind("cc_config_set_max_attempts", c_int32, c_uint32)
cc_config_set_cache_capacity = _bind("cc_config_set_cache_capacity", c_int32, c_size_t)
cc_config_set_default_lifetime_s = _bind("cc_config_set_default_lifetime_s", c_int32, c_uint32)
cc_config_set_background_refresh = _bind("cc_config_set_background_refresh", c_int32, c_bool)
cc_log_set_callback = _bind("cc_log_set_callback", None, c_int32, LogFn, c_void_p)
cc_diagnose = _bind("cc_diagnose", c_int32, c_void_p)
cc_string_free = _bind("cc_string_free", None, c_void_p)

cc_mock_token = _bind("cc_mock_token", c_int32, c_char_p, c_void_p, c_void_p)
cc_mock_failure = _bind("cc_mock_failure", c_int32, c_void_p, c_void_p)
cc_mock_responses = _bind("cc_mock_responses", c_int32, POINTER(MockResponseStruct), c_size_t, c_void_p, c_void_p)
cc_mock_function = _bind("cc_mock_function", c_int32, MockFn, c_void_p, c_void_p, c_void_p)
cc_mock_request_count = _bind("cc_mock_request_count", c_size_t, c_void_p)
cc_mock_advance_time = _bind("cc_mock_advance_time", c_int32, c_void_p, c_int64)
cc_mock_end = _bind("cc_mock_end", None, c_void_p)
cc_mock_request_url = _bind("cc_mock_request_url", c_char_p, c_void_p)
cc_mock_request_method = _bind("cc_mock_request_method", c_char_p, c_void_p)
cc_mock_request_header = _bind("cc_mock_request_header", c_char_p, c_void_p, c_char_p)
cc_mock_request_header_count = _bind("cc_mock_request_header_count", c_size_t, c_void_p)
cc_mock_request_header_name = _bind("cc_mock_request_header_name", c_char_p, c_void_p, c_size_t)
cc_mock_request_header_value = _bind("cc_mock_request_header_value", c_char_p, c_void_p, c_size_t)
cc_mock_request_param = _bind("cc_mock_request_param", c_char_p, c_void_p, c_char_p)
cc_mock_request_param_count = _bind("cc_mock_request_param_count", c_size_t, c_void_p)
cc_mock_request_param_name = _bind("cc_mock_request_param_name", c_char_p, c_void_p, c_size_t)
cc_mock_request_param_value = _bind("cc_mock_request_param_value", c_char_p, c_void_p, c_size_t)
cc_mock_reply_set = _bind("cc_mock_reply_set", None, c_void_p, c_int32, c_char_p, c_char_p)
