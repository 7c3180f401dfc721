"""Gets the same tokens from a Connect server through posit-sdk and through this library.

Usage: posit_sdk.py LIBRARY VIEWER_SESSION_TOKEN INTEGRATION

Run by tests/wire_compat.rs, which compares the requests that the server received.
"""

import sys
from ctypes import CDLL, POINTER, byref, c_char_p, c_int32, c_void_p

from posit.connect import Client

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


class Library:
    """The part of the C ABI that the comparison needs."""

    def __init__(self, path):
        self._cc = CDLL(path)
        out = POINTER(c_void_p)
        for name, restype, *argtypes in [
            ("cc_request_new", c_void_p),
            ("cc_request_set_audience", c_int32, c_void_p, c_char_p),
            ("cc_request_set_requested_token_type", c_int32, c_void_p, c_char_p),
            ("cc_request_free", None, c_void_p),
            ("cc_service_account_token", c_int32, c_void_p, out, out),
            ("cc_workload_token", c_int32, c_void_p, out, out),
            ("cc_viewer_token", c_int32, c_char_p, c_void_p, out, out),
            ("cc_token_access_token", c_char_p, c_void_p),
            ("cc_token_free", None, c_void_p),
            ("cc_error_message", c_char_p, c_void_p),
            ("cc_error_free", None, c_void_p),
        ]:
            function = getattr(self._cc, name)
            function.restype, function.argtypes = restype, argtypes

    def ask(self, kind, *subject, audience=None, requested_token_type=None):
        """Return the access token of `cc_{kind}_token`."""
        cc = self._cc
        request, token, error = cc.cc_request_new(), c_void_p(), c_void_p()
        try:
            if audience is not None:
                cc.cc_request_set_audience(request, audience.encode())
            if requested_token_type is not None:
                cc.cc_request_set_requested_token_type(request, requested_token_type.encode())
            subject = [value.encode() for value in subject]
            call = getattr(cc, f"cc_{kind}_token")
            if call(*subject, request, byref(token), byref(error)) != 0:
                raise RuntimeError(cc.cc_error_message(error).decode())
            return cc.cc_token_access_token(token).decode()
        finally:
            cc.cc_error_free(error)
            cc.cc_token_free(token)
            cc.cc_request_free(request)


def main(path, viewer, integration):
    client = Client()
    # Otherwise it would request the version from the server.
    client._ctx.version = "2026.02.0"
    peer, ours = client.oauth, Library(path)

    peer.get_content_credentials()
    ours.ask("service_account")

    theirs = peer.get_credentials(viewer)["access_token"]
    assert ours.ask("viewer", viewer) == theirs, "a viewer has one token"

    peer.get_content_credentials(requested_token_type=ID_TOKEN)
    ours.ask("workload")

    peer.get_content_credentials(requested_token_type=ID_TOKEN, audience=integration)
    ours.ask("workload", audience=integration)

    theirs = peer.get_credentials(viewer, requested_token_type=ID_TOKEN, audience=integration)["access_token"]
    assert ours.ask("viewer", viewer, requested_token_type=ID_TOKEN, audience=integration) == theirs


main(*sys.argv[1:])
