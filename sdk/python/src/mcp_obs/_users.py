"""Who calls: what the host says, and what the access token says where it says nothing."""

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, NamedTuple, cast
from uuid import UUID

from mcp_obs import semconv
from mcp_obs._guard import WrongSettingError, logger
from mcp_obs._hosts.told_by import told_by
from mcp_obs._http import scope_of
from mcp_obs._message import Message
from mcp_obs._text import carried, clean

USER_CLAIM = "MCP_OBS_USER_CLAIM"
USER_ID_KEY = "MCP_OBS_USER_ID_KEY"
LEAST_KEY_CHARACTERS = 16
_MOST_DEPTH = 32


class Caller(NamedTuple):
    """What an `identify` function is told of an operation.

    `meta` is a copy of the message's `_meta`; `headers` are those of the HTTP request below, in lower case, empty
    without one.
    """

    method: str
    tool: str | None
    meta: Mapping[str, Any]
    headers: Mapping[str, str]
    client_name: str | None


Identify = Callable[[Caller], object]


@dataclass(frozen=True)
class UserSettings:
    """How users are known.

    `claim` of the access token, None for its subject; `id_key` hashes ids, None leaves them as they are.
    """

    claim: str | None = None
    id_key: str | None = field(default=None, repr=False)
    identify: Identify | None = None


DEFAULT_USERS = UserSettings()


def resolve_users(
    environ: Mapping[str, str],
    claim: str | None = None,
    id_key: str | None = None,
    identify: Identify | None = None,
) -> UserSettings:
    """What applies: arguments, then variables. Raises ValueError when it can't be applied."""
    id_key = id_key or environ.get(USER_ID_KEY) or None
    if id_key is not None and len(id_key) < LEAST_KEY_CHARACTERS:
        raise WrongSettingError(
            f"user_id_key needs at least {LEAST_KEY_CHARACTERS} characters: a short one can be guessed"
        )
    if iscoroutinefunction(identify):
        raise WrongSettingError("identify can't be async: it is called where nothing can be awaited")
    return UserSettings(claim or environ.get(USER_CLAIM) or None, id_key, identify)


class Users:
    """Finds the user of each operation; for any thread."""

    def __init__(self, settings: UserSettings) -> None:
        self._claim = settings.claim
        self._identify = settings.identify
        self._key = settings.id_key.encode() if settings.id_key else None
        self._has_told = False
        self.asks = settings.identify is not None
        """Whether the host decides who calls, of every operation."""

    def notice(self, message: Message) -> None:
        """Ask the host, in the request's own context; it is told of the message what it says."""
        identify = self._identify
        asked = (lambda: identify(_caller(message))) if identify is not None else told_by(message.request)
        if asked is None:
            return
        try:
            user = _as_id(asked())
        except KeyboardInterrupt:
            raise
        # A host's own; SystemExit would end the server. No cancellation of the task comes here, as nothing is awaited.
        except BaseException as error:  # noqa: BLE001
            message.user = (None,)
            self._tell(error)
            return
        # `identify` decides alone; a middleware that knows nobody leaves it to the token.
        if user is not None or identify is not None:
            message.user = (user,)

    def of(self, message: Message) -> dict[str, Any]:
        """The user's attributes."""
        token = message.origin.token if message.origin is not None else None
        if token is None and message.user is None:
            return {}
        user = message.user[0] if message.user is not None else self.of_token(token)
        return self.named(user, getattr(token, "scopes", None) or ())

    def named(self, user: str | None, scopes: Collection[str] = ()) -> dict[str, Any]:
        """The attributes of a user of that id, which leaves the process as is configured; None for nobody."""
        attributes: dict[str, Any] = {}
        if user is not None and self._key is None:
            attributes[semconv.ENDUSER_ID] = carried(user)
        elif user is not None and self._key is not None:
            attributes[semconv.ENDUSER_PSEUDO_ID] = hashed(self._key, user)
        if scopes:
            attributes[semconv.ENDUSER_SCOPE] = carried(" ".join(scopes))
        return attributes

    def of_token(self, token: Any) -> str | None:
        """The id that an access token of mcp or fastmcp gives, by the claim that is configured.

        None where `identify` decides.
        """
        if token is None or self._identify is not None:
            return None
        claims: Mapping[str, Any] = getattr(token, "claims", None) or {}
        if self._claim is not None:
            user = claims.get(self._claim)
        else:
            user = getattr(token, "subject", None) or claims.get("sub") or getattr(token, "client_id", None)
        return str(user) if isinstance(user, str | int) and user != "" else None

    def of_grant(self, grant: Any) -> str | None:
        """The id that an authorization code or a refresh token gives, where its subject is what tokens are told by.

        Its client is nobody's id: the token that comes of it may name its user otherwise. None where `identify`
        decides.
        """
        if self._identify is not None or self._claim not in {None, "sub"}:
            return None
        subject = getattr(grant, "subject", None)
        return subject if isinstance(subject, str) and subject else None

    def _tell(self, error: BaseException) -> None:
        # Without its message, which can say who it is.
        if not self._has_told:
            self._has_told = True
            logger.warning(
                "mcp-obs: who calls could not be told, so no user is recorded: %s. Reported once.",
                type(error).__qualname__,
            )


def hashed(key: bytes, user: str) -> str:
    """The first 128 bits of HMAC-SHA-256, in hex: the same for the same user, and nothing without the key."""
    return hmac.digest(key, clean(user).encode(), "sha256")[:16].hex()


def _caller(message: Message) -> Caller:
    headers: Mapping[str, str] = message.request.headers if "headers" in scope_of(message.request) else {}
    client = message.stated_client()
    meta = {name: _copied(value, _MOST_DEPTH) for name, value in message.meta.items()}
    return Caller(message.method, message.tool, meta, headers, client.name if client else None)


def _copied(value: Any, depth: int) -> Any:
    """A JSON value that a host may change; a client must not get out of being named by one that is too deep."""
    if isinstance(value, list):
        members = cast("list[Any]", value) if depth else []
        return [_copied(member, depth - 1) for member in members]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items() if depth else ()
        return {name: _copied(member, depth - 1) for name, member in items}
    return value


def _as_id(user: object) -> str | None:
    """Raises TypeError for what is no id."""
    if iscoroutine(user):
        user.close()  # nobody awaits it
    if user is None or user == "":
        return None
    if isinstance(user, str | int | UUID) and not isinstance(user, bool):
        return str(user)
    raise TypeError(f"a user's id is a text or a number, and not {type(user).__qualname__}")
