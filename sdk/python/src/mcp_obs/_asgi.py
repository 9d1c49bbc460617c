"""The ASGI application around an MCP server, seen from outside."""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

from mcp_obs._exchange import EXCHANGE, Exchange
from mcp_obs._guard import Guard
from mcp_obs._rejections import count_rejection

Scope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A JSON-RPC error; nobody needs to hold more of an answer.
_MOST_OF_AN_ANSWER = 2**14

_counting = Guard("counting a rejected request")


class McpAsgiMiddleware:
    """Counts the requests that are answered with an error before their MCP message reaches the server.

    Those are the refused (401, 403), the malformed and the misdirected; no operation shows them. The metric is
    `mcp_obs.http.rejections`. Everything is passed on as it is: streams, WebSockets, lifespan, exceptions.

    `instrument` puts it around the applications that a server makes (`streamable_http_app`, `sse_app`,
    `http_app`). A host that builds its own wraps it: `app = McpAsgiMiddleware(app)`. Inside another one it does
    nothing, so that no request is counted twice.

    Args:
        app: The application that serves MCP.
        paths: Where in it MCP is served; other requests are left alone. None means everywhere.
    """

    def __init__(self, app: App, paths: Iterable[str] | None = None) -> None:
        self.app = app
        self._paths = None if paths is None else frozenset(path.rstrip("/") for path in paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Something further out may watch it already.
        if scope["type"] == "http" and EXCHANGE not in scope and _is_in(scope, self._paths):
            send = WatchedAnswer(scope, send).send
        await self.app(scope, receive, send)


def _is_in(scope: Scope, paths: Collection[str] | None) -> bool:
    if paths is None:
        return True
    path: str = scope["path"]
    # The path is that of the whole server, and root_path the part that has led here.
    root = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    if path in paths:
        return True
    path = path.rstrip("/")
    return path in paths or any(path.startswith(f"{one}/") for one in paths)


class WatchedAnswer:
    """The answer to one request, of which an error's beginning is kept until it is over."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._method: str = scope["method"]
        self._exchange = scope[EXCHANGE] = Exchange()
        self._send = send
        self._status = 0
        self._body = b""

    def send(self, message: ASGIMessage) -> Awaitable[None]:
        """Pass on one part of it; not in a coroutine of its own, which would cost more than all the rest here."""
        if message["type"] == "http.response.start":
            self._status = message.get("status", 0)
        elif self._status >= 400:
            with _counting:
                self._watch(message)
        return self._send(message)

    def _watch(self, message: ASGIMessage) -> None:
        if message["type"] == "http.response.body":
            self._body += message.get("body", b"")[: _MOST_OF_AN_ANSWER - len(self._body)]
            if not message.get("more_body", False):
                status, self._status = self._status, 0
                if not self._exchange.has_arrived:
                    count_rejection(self._method, status, self._body)
