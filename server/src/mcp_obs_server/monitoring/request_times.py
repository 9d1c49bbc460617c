"""How long the API's requests take, by route."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_obs_server.kit.histogram import Histogram

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Request(NamedTuple):
    """What a time is of. Strangers choose methods and paths, so only those that we know are told apart."""

    method: str
    route: str
    status: int


class RequestTimes:
    """An ASGI application around the API's."""

    def __init__(self, app: ASGIApp, watch: Callable[[Request, float], None] | None = None) -> None:
        self._app = app
        self._watch = watch
        self.seconds: dict[Request, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and note its time."""
        status = 500
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._note(request_of(scope, status), time.perf_counter() - began)

    def _note(self, request: Request, seconds: float) -> None:
        self.seconds.setdefault(request, Histogram()).observe(seconds)
        if self._watch:
            self._watch(request, seconds)


def request_of(scope: MutableMapping[str, Any], status: int) -> Request:
    """The request in this scope, once the router has been through."""
    method = scope["method"]
    route = getattr(scope.get("route"), "path", "_OTHER")
    return Request(method if method in _METHODS else "_OTHER", route, status)
