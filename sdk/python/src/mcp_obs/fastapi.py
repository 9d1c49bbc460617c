"""FastAPI, and any other ASGI application on Starlette, that an MCP endpoint is mounted in."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from starlette.requests import Request

from mcp_obs._hosts.told_by import USER

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class UserMiddleware:
    """Tells MCP operations who the application's own user is.

    `user` gets the request and gives the id, or None for nobody; without it, it is the user whom Starlette's
    AuthenticationMiddleware found. It is called when an MCP operation begins, after every other middleware, and must
    not wait. When it raises, no user is recorded.
    """

    def __init__(self, app: App, user: Callable[[Request], object] | None = None) -> None:
        self._app = app
        self._user = user or authenticated_user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope[USER] = partial(self._ask, scope)
        await self._app(scope, receive, send)

    def _ask(self, scope: Scope) -> object:
        return self._user(Request(scope))


def authenticated_user(request: Request) -> str | None:
    """The identity of Starlette's user, or the name to show where it has none."""
    user: Any = request.scope.get("user")
    # The user of an MCP access token is read from the token, by the claim that is configured.
    if not getattr(user, "is_authenticated", False) or hasattr(user, "access_token"):
        return None
    try:
        return user.identity
    except NotImplementedError:
        return user.display_name
