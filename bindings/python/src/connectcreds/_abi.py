"""The C ABI, function by function, as include/connectcreds.h declares it; a test compares the two.

A handle is a `c_void_p`. An out-pointer is one, too: the address of where the result goes.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    PyDLL,
    Structure,
    c_bool,
    c_char_p,
    c_int,
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
#: The same, called with the interpreter's lock held: for what reads the environment, which Python changes under this
#: lock, and for what is over in less time than giving the lock away takes. One function that waits is called so.
_briefly = PyDLL(_library._name, handle=_library._handle)


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


class MockIntegrationStruct(Structure):
    """`cc_mock_integration`"""

    _fields_ = tuple((name, c_char_p) for name in ("guid", "name", "description", "service", "auth_type"))


#: `cc_cancel_fn`
CancelFn = CFUNCTYPE(c_bool, c_void_p)
#: `cc_log_fn`
LogFn = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
#: `cc_mock_fn`
MockFn = CFUNCTYPE(c_bool, c_void_p, c_void_p, c_void_p)


def _bind(name: str, restype: Any, *argtypes: Any, library: CDLL = _library) -> Callable[..., Any]:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise ImportError(
            f"{_library._name} has no {name}: it is older than this package, or another library. {VARIABLE} names "
            "the library to use."
        ) from None
    function.restype = restype
    function.argtypes = argtypes
    return function  # type: ignore[no-any-return]


def _brief(name: str, restype: Any, *argtypes: Any) -> Callable[..., Any]:
    return _bind(name, restype, *argtypes, library=_briefly)


cc_status_name = _brief("cc_status_name", c_char_p, c_int32)
cc_version = _brief("cc_version", c_char_p)
cc_version_number = _brief("cc_version_number", c_uint32)
cc_running_on_connect = _brief("cc_running_on_connect", c_bool)

cc_service_account_token = _bind("cc_service_account_token", c_int32, c_void_p, c_void_p, c_void_p)
cc_viewer_token = _bind("cc_viewer_token", c_int32, c_char_p, c_void_p, c_void_p, c_void_p)
cc_workload_token = _bind("cc_workload_token", c_int32, c_void_p, c_void_p, c_void_p)
cc_exchange_token = _bind("cc_exchange_token", c_int32, c_char_p, c_char_p, c_void_p, c_void_p, c_void_p)
cc_has_service_account_token = _bind("cc_has_service_account_token", c_bool, c_void_p)
cc_has_viewer_token = _bind("cc_has_viewer_token", c_bool, c_char_p, c_void_p)
cc_has_workload_token = _bind("cc_has_workload_token", c_bool, c_void_p)

cc_service_account_token_start = _brief("cc_service_account_token_start", c_int32, c_void_p, c_void_p, c_void_p)
cc_viewer_token_start = _brief("cc_viewer_token_start", c_int32, c_char_p, c_void_p, c_void_p, c_void_p)
cc_workload_token_start = _brief("cc_workload_token_start", c_int32, c_void_p, c_void_p, c_void_p)
cc_exchange_token_start = _brief("cc_exchange_token_start", c_int32, c_char_p, c_char_p, c_void_p, c_void_p, c_void_p)
cc_call_is_done = _brief("cc_call_is_done", c_bool, c_void_p)
cc_call_fd = _brief("cc_call_fd", c_int, c_void_p)
#: Called only when the call is done, so that it does not block.
cc_call_finish = _brief("cc_call_finish", c_int32, c_void_p, c_void_p, c_void_p)
cc_call_free = _brief("cc_call_free", None, c_void_p)

cc_request_new = _brief("cc_request_new", c_void_p)
cc_request_copy = _brief("cc_request_copy", c_void_p, c_void_p)
cc_request_free = _brief("cc_request_free", None, c_void_p)
cc_request_check = _brief("cc_request_check", c_int32, c_void_p, c_void_p)
cc_request_set_resource = _brief("cc_request_set_resource", c_int32, c_void_p, c_char_p)
cc_request_set_scope = _brief("cc_request_set_scope", c_int32, c_void_p, c_char_p)
cc_request_set_audience = _brief("cc_request_set_audience", c_int32, c_void_p, c_char_p)
cc_request_set_integration = _brief("cc_request_set_integration", c_int32, c_void_p, c_char_p)
cc_request_set_requested_token_type = _brief("cc_request_set_requested_token_type", c_int32, c_void_p, c_char_p)
cc_request_set_content_token = _brief("cc_request_set_content_token", c_int32, c_void_p, c_char_p)
cc_request_set_server_url = _brief("cc_request_set_server_url", c_int32, c_void_p, c_char_p)
cc_request_set_api_key = _brief("cc_request_set_api_key", c_int32, c_void_p, c_char_p)
cc_request_set_param = _brief("cc_request_set_param", c_int32, c_void_p, c_char_p, c_char_p)
cc_request_set_timeout_ms = _brief("cc_request_set_timeout_ms", c_int32, c_void_p, c_uint32)
cc_request_set_time_left_ms = _brief("cc_request_set_time_left_ms", c_int32, c_void_p, c_int64)
cc_request_set_min_validity_s = _brief("cc_request_set_min_validity_s", c_int32, c_void_p, c_uint32)
cc_request_set_force_refresh = _brief("cc_request_set_force_refresh", c_int32, c_void_p, c_bool)
cc_request_set_on_connect = _brief("cc_request_set_on_connect", c_int32, c_void_p, c_bool)
cc_request_set_cancel = _brief("cc_request_set_cancel", c_int32, c_void_p, CancelFn, c_void_p)

#: Reads the environment, and then waits: `_integrations` has the other threads run in turns.
cc_integrations_list = _brief("cc_integrations_list", c_int32, c_void_p, c_void_p, c_void_p)
cc_integrations_count = _brief("cc_integrations_count", c_size_t, c_void_p)
cc_integrations_guid = _brief("cc_integrations_guid", c_char_p, c_void_p, c_size_t)
cc_integrations_name = _brief("cc_integrations_name", c_char_p, c_void_p, c_size_t)
cc_integrations_description = _brief("cc_integrations_description", c_char_p, c_void_p, c_size_t)
cc_integrations_template = _brief("cc_integrations_template", c_char_p, c_void_p, c_size_t)
cc_integrations_auth_type = _brief("cc_integrations_auth_type", c_char_p, c_void_p, c_size_t)
cc_integrations_free = _brief("cc_integrations_free", None, c_void_p)

cc_token_access_token = _brief("cc_token_access_token", c_char_p, c_void_p)
cc_token_type = _brief("cc_token_type", c_char_p, c_void_p)
cc_token_issued_type = _brief("cc_token_issued_type", c_char_p, c_void_p)
cc_token_expires_at = _brief("cc_token_expires_at", c_int64, c_void_p)
cc_token_authorization = _brief("cc_token_authorization", c_char_p, c_void_p)
cc_token_field_count = _brief("cc_token_field_count", c_size_t, c_void_p)
cc_token_field_name = _brief("cc_token_field_name", c_char_p, c_void_p, c_size_t)
cc_token_field_value = _brief("cc_token_field_value", c_char_p, c_void_p, c_size_t)
cc_token_field = _brief("cc_token_field", c_char_p, c_void_p, c_char_p)
cc_token_ref = _brief("cc_token_ref", c_void_p, c_void_p)
cc_token_free = _brief("cc_token_free", None, c_void_p)
cc_token_invalidate = _bind("cc_token_invalidate", c_bool, c_void_p)
cc_token_aws_credentials = _brief("cc_token_aws_credentials", c_int32, c_void_p, c_void_p, c_void_p)
cc_aws_credentials_access_key_id = _brief("cc_aws_credentials_access_key_id", c_char_p, c_void_p)
cc_aws_credentials_secret_access_key = _brief("cc_aws_credentials_secret_access_key", c_char_p, c_void_p)
cc_aws_credentials_session_token = _brief("cc_aws_credentials_session_token", c_char_p, c_void_p)
cc_aws_credentials_expires_at = _brief("cc_aws_credentials_expires_at", c_int64, c_void_p)
cc_aws_credentials_free = _brief("cc_aws_credentials_free", None, c_void_p)

cc_error_status = _brief("cc_error_status", c_int32, c_void_p)
cc_error_message = _brief("cc_error_message", c_char_p, c_void_p)
cc_error_message_without_hint = _brief("cc_error_message_without_hint", c_char_p, c_void_p)
cc_error_option = _brief("cc_error_option", c_char_p, c_void_p)
cc_error_http_status = _brief("cc_error_http_status", c_int32, c_void_p)
cc_error_oauth_code = _brief("cc_error_oauth_code", c_char_p, c_void_p)
cc_error_connect_code = _brief("cc_error_connect_code", c_int32, c_void_p)
cc_error_is_retryable = _brief("cc_error_is_retryable", c_bool, c_void_p)
cc_error_retry_after_ms = _brief("cc_error_retry_after_ms", c_int64, c_void_p)
cc_error_free = _brief("cc_error_free", None, c_void_p)

cc_cache_clear = _bind("cc_cache_clear", None)
cc_cache_forget_session = _bind("cc_cache_forget_session", None, c_char_p)
cc_cache_get_stats = _bind("cc_cache_get_stats", c_size_t, POINTER(CacheStatsStruct), c_size_t)
cc_config_set_ca_bundle = _bind("cc_config_set_ca_bundle", c_int32, c_char_p, c_void_p)
cc_config_set_timeout_ms = _bind("cc_config_set_timeout_ms", c_int32, c_uint32)
cc_config_set_attempt_timeout_ms = _bind("cc_config_set_attempt_timeout_ms", c_int32, c_uint32)
cc_config_set_connect_timeout_ms = _bind("cc_config_set_connect_timeout_ms", c_int32, c_uint32)
cc_config_set_max_attempts = _bind("cc_config_set_max_attempts", c_int32, c_uint32)
cc_config_set_cache_capacity = _bind("cc_config_set_cache_capacity", c_int32, c_size_t)
cc_config_set_cache_bytes = _bind("cc_config_set_cache_bytes", c_int32, c_size_t)
cc_config_set_default_lifetime_s = _bind("cc_config_set_default_lifetime_s", c_int32, c_uint32)
cc_config_set_background_refresh = _bind("cc_config_set_background_refresh", c_int32, c_bool)
cc_log_set_callback = _bind("cc_log_set_callback", None, c_int32, LogFn, c_void_p)
cc_diagnose = _brief("cc_diagnose", c_int32, c_void_p)
cc_string_free = _bind("cc_string_free", None, c_void_p)

cc_mock_token = _bind("cc_mock_token", c_int32, c_char_p, c_void_p, c_void_p)
cc_mock_failure = _bind("cc_mock_failure", c_int32, c_void_p, c_void_p)
cc_mock_responses = _bind("cc_mock_responses", c_int32, POINTER(MockResponseStruct), c_size_t, c_void_p, c_void_p)
cc_mock_function = _bind("cc_mock_function", c_int32, MockFn, c_void_p, c_void_p, c_void_p)
cc_mock_set_environment = _bind("cc_mock_set_environment", c_int32, c_void_p, c_char_p, c_char_p)
cc_mock_set_user_session_token = _bind("cc_mock_set_user_session_token", c_int32, c_void_p, c_char_p)
cc_mock_integrations = _bind("cc_mock_integrations", c_int32, c_void_p, POINTER(MockIntegrationStruct), c_size_t)
cc_mock_request_count = _bind("cc_mock_request_count", c_size_t, c_void_p)
cc_mock_advance_time = _bind("cc_mock_advance_time", c_int32, c_void_p, c_int64)
cc_mock_end = _bind("cc_mock_end", None, c_void_p)
cc_mock_request_url = _brief("cc_mock_request_url", c_char_p, c_void_p)
cc_mock_request_method = _brief("cc_mock_request_method", c_char_p, c_void_p)
cc_mock_request_header = _brief("cc_mock_request_header", c_char_p, c_void_p, c_char_p)
cc_mock_request_header_count = _brief("cc_mock_request_header_count", c_size_t, c_void_p)
cc_mock_request_header_name = _brief("cc_mock_request_header_name", c_char_p, c_void_p, c_size_t)
cc_mock_request_header_value = _brief("cc_mock_request_header_value", c_char_p, c_void_p, c_size_t)
cc_mock_request_param = _brief("cc_mock_request_param", c_char_p, c_void_p, c_char_p)
cc_mock_request_param_count = _brief("cc_mock_request_param_count", c_size_t, c_void_p)
cc_mock_request_param_name = _brief("cc_mock_request_param_name", c_char_p, c_void_p, c_size_t)
cc_mock_request_param_value = _brief("cc_mock_request_param_value", c_char_p, c_void_p, c_size_t)
cc_mock_reply_set = _brief("cc_mock_reply_set", None, c_void_p, c_int32, c_char_p, c_char_p)
cc_mock_reply_set_header = _brief("cc_mock_reply_set_header", None, c_void_p, c_char_p, c_char_p)
