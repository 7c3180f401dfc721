"""How a token is presented in HTTP, and how it is refused."""

from __future__ import annotations

from ._token import Token

UNAUTHORIZED = 401


def header(token: Token) -> str:
    """The value of the header Authorization."""
    authorization = token.authorization
    if authorization is None:
        raise ValueError(f"A token of type {token.token_type!r} is not presented in the header Authorization.")
    return authorization
