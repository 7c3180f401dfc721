"""Tokens, and the AWS credentials in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Literal, NoReturn, Optional, Union, overload

from . import _abi
from ._handles import AwsResultPair, ResultPair, text


class TokenType:
    """URNs of token types."""

    #: An OAuth access token; issued when no type is requested.
    ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
    #: An OpenID Connect id token: a workload identity.
    ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    #: AWS credentials, see `Token.aws_credentials()`.
    AWS_CREDENTIALS = "urn:ietf:params:aws:token-type:credentials"
    #: A Connect API key; issued by identity federation.
    API_KEY = "urn:posit:connect:api-key"
    #: A content session token: the subject of service account and workload tokens.
    CONTENT_SESSION = "urn:posit:connect:content-session-token"
    #: A user session token: the subject of viewer tokens.
    USER_SESSION = "urn:posit:connect:user-session-token"


__tracebackhide__ = True


def _instant(seconds: int) -> datetime | None:
    return None if seconds < 0 else datetime.fromtimestamp(seconds, timezone.utc)


def refuse_to_pickle(what: object) -> NoReturn:
    raise TypeError(f"{type(what).__name__} is a secret and is not pickled: ask for it where it is needed")


class Token(Mapping[str, Any]):
    """An access token and the rest of the server's response. Immutable: any thread may use it, and a forked child.

    As a mapping it holds the response, as posit-sdk's credentials do: `token["access_token"]` is a string and
    `token["expires_in"]` a number. The library wipes its memory of a token when the last object that holds it is gone;
    strings that were read from it belong to Python.
    """

    __slots__ = ("__weakref__", "_address", "_answer", "_fields")

    def __init__(self, answer: ResultPair) -> None:
        # Strings are read on access: most callers read one.
        self._answer = answer
        self._address: Any = answer[0]
        self._fields: Mapping[str, str] | None = None

    @property
    def access_token(self) -> str:
        """The token itself. A secret: do not print it."""
        token: bytes = _abi.cc_token_access_token(self._address)
        return token.decode()

    @property
    def token_type(self) -> str:
        """How the token is presented: "Bearer" when the server did not say, "aws_credentials" for AWS."""
        token_type: bytes = _abi.cc_token_type(self._address)
        return token_type.decode()

    @property
    def issued_token_type(self) -> Optional[str]:
        """The URN of the type of the issued token; None when the server did not say."""
        return text(_abi.cc_token_issued_type(self._address))

    @property
    def expires_at(self) -> Optional[datetime]:
        """When the token expires by this machine's clock, in UTC; None when that is unknown."""
        return _instant(_abi.cc_token_expires_at(self._address))

    @property
    def authorization(self) -> str:
        """The value of the header Authorization that presents the token. A secret.

        Raises:
            ValueError: the token is not a bearer token, and is presented in another way.
        """
        value = text(_abi.cc_token_authorization(self._address))
        if value is None:
            raise ValueError(f"A token of type {self.token_type!r} is not presented in the header Authorization.")
        return value

    @property
    def fields(self) -> Mapping[str, str]:
        """Every member of the server's response, in its order: strings as they are, others as JSON text. Secret."""
        if self._fields is None:
            address = self._address
            self._fields = {
                _abi.cc_token_field_name(address, index).decode(): _abi.cc_token_field_value(address, index).decode()
                for index in range(_abi.cc_token_field_count(address))
            }
        return dict(self._fields)

    def aws_credentials(self) -> AwsCredentials:
        """Returns the AWS credentials in a token that was requested as `TokenType.AWS_CREDENTIALS`.

        Raises:
            BadResponseError: the token holds none.
        """
        answer = AwsResultPair()
        status = _abi.cc_token_aws_credentials(self._address, answer, answer.error_out())
        if status:
            raise answer.failure(status)
        return AwsCredentials(answer)

    def invalidate(self) -> bool:
        """Drops the token from the cache because the service rejected it; the next call gets another one.

        A newer token that is cached already stays. Returns whether the token was dropped.
        """
        dropped: bool = _abi.cc_token_invalidate(self._address)
        return dropped

    @overload
    def __getitem__(self, name: Literal["expires_in"]) -> int: ...  # type: ignore[overload-overlap]

    @overload
    def __getitem__(self, name: str) -> str: ...

    def __getitem__(self, name: str) -> Union[str, int]:
        # Always there, as in posit-sdk's credentials, also when the server left it out.
        if name == "token_type":
            return self.token_type
        given = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else b"\0"
        # The library would see the part before a NUL.
        value = None if b"\0" in given else text(_abi.cc_token_field(self._address, given))
        if value is None:
            raise KeyError(name)
        return int(value) if name == "expires_in" and value.isdecimal() else value

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys(self.fields)
        names.setdefault("token_type")
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Token):
            return NotImplemented
        # The server returns a viewer's token again with less time left.
        return self._address == other._address or self.access_token == other.access_token

    def __hash__(self) -> int:
        return hash(self.access_token)

    def __repr__(self) -> str:
        expires_at = self.expires_at
        until = "expiry unknown" if expires_at is None else f"expires at {expires_at.isoformat()}"
        return f"<Token {self.token_type!r}, {until}, access_token REDACTED>"

    #: sentry-sdk asks for it before it looks into a mapping.
    __sentry_repr__ = __repr__

    def __copy__(self) -> Token:
        return self

    def __deepcopy__(self, memo: object) -> Token:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle(self)


class AwsCredentials:
    """AWS credentials. Immutable."""

    __slots__ = ("access_key_id", "expires_at", "secret_access_key", "session_token")

    #: AWS_ACCESS_KEY_ID
    access_key_id: str
    #: AWS_SECRET_ACCESS_KEY. A secret: do not print it.
    secret_access_key: str
    #: AWS_SESSION_TOKEN, or None. A secret: do not print it.
    session_token: Optional[str]
    #: When they expire by AWS's clock, in UTC; None when they do not say.
    expires_at: Optional[datetime]

    def __init__(self, answer: AwsResultPair) -> None:
        address: Any = answer[0]
        for name, value in (
            ("access_key_id", _abi.cc_aws_credentials_access_key_id(address).decode()),
            ("secret_access_key", _abi.cc_aws_credentials_secret_access_key(address).decode()),
            ("session_token", text(_abi.cc_aws_credentials_session_token(address))),
            ("expires_at", _instant(_abi.cc_aws_credentials_expires_at(address))),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"AwsCredentials are immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"AwsCredentials are immutable: {name} cannot be deleted")

    def __repr__(self) -> str:
        expires_at = self.expires_at
        until = "expiry unknown" if expires_at is None else f"expires at {expires_at.isoformat()}"
        return f"<AwsCredentials {self.access_key_id!r}, {until}, secrets REDACTED>"

    def __copy__(self) -> AwsCredentials:
        return self

    def __deepcopy__(self, memo: object) -> AwsCredentials:
        return self

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle(self)
