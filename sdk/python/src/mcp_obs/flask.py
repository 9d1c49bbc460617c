"""Flask applications that an MCP endpoint is mounted in, or beside.

Flask speaks WSGI and MCP endpoints speak ASGI, so one is put into the other, mostly by a2wsgi:

- the endpoint into Flask, by `DispatcherMiddleware` or in a view: `instrument_users`, or `UserMiddleware` around both;
- Flask and the endpoint side by side in Starlette or FastAPI: `AsgiUserMiddleware` around both.
"""

import io
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from flask import Flask, request
from werkzeug.test import EnvironBuilder

from mcp_obs._guard import Guard
from mcp_obs._hosts.told_by import USER

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
User = Callable[[], object]

_CONTEXT = "mcp_obs.context"
_watching = Guard("watching a Flask application, so its users are not recorded")


def instrument_users(app: Flask, user: User | None = None) -> Flask:
    """Tell MCP operations who the user of a Flask application is; returns the same application.

    Call it when everything is mounted in `app.wsgi_app`, and before the first request.

    `user` is called without arguments in a context of the application, where `flask.session`, `flask.request` and
    whatever stands on them (as Flask-Login's `current_user`) are those of the HTTP request, and gives the user's id, or
    None for nobody. Without it, it is whom the web server has authenticated (`REMOTE_USER`). Where an MCP endpoint is
    mounted by `DispatcherMiddleware`, no view and no `before_request` function of the application runs for its
    requests; in a view they have, and `flask.g` is the request's own. It must not wait. When it raises, no user is
    recorded.
    """
    with _watching:
        app.wsgi_app = UserMiddleware(app.wsgi_app, app, user)  # pyright: ignore[reportAttributeAccessIssue]  as Flask says
    return app


class UserMiddleware:
    """The same, around a WSGI application that has the Flask application and the MCP endpoint in it."""

    def __init__(self, wsgi_app: WsgiApp, app: Flask, user: User | None = None) -> None:
        self._wsgi_app = wsgi_app
        self._host = Host(app, user)
        with _watching:  # Flask takes no more functions after its first request
            app.before_request(_remember_context)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        environ[USER] = partial(self._host.user_of, environ)
        return self._wsgi_app(environ, start_response)


class AsgiUserMiddleware:
    """The same, around an ASGI application that has the Flask application and the MCP endpoint in it."""

    def __init__(self, asgi_app: AsgiApp, app: Flask, user: User | None = None) -> None:
        self._asgi_app = asgi_app
        self._host = Host(app, user)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope[USER] = partial(self._ask, scope)
        await self._asgi_app(scope, receive, send)

    def _ask(self, scope: Scope) -> object:
        return self._host.user_of(environ_of(scope))


class Host:
    """A Flask application that can be asked who sends a request."""

    def __init__(self, app: Flask, user: User | None) -> None:
        self._app = app
        self._user = user or authenticated_user

    def user_of(self, environ: Environ) -> object:
        """Ask in the request's own context where a view is under way, else in one made of its headers."""
        within: Context | None = environ.get(_CONTEXT)
        if within is not None:
            # A copy, as a context can't be entered twice at a time.
            return within.copy().run(self._user)
        # Without its body, which is the endpoint's to read.
        bodiless = {**environ, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
        with self._app.request_context(bodiless):
            return self._user()


def authenticated_user() -> str | None:
    """Whom the web server has authenticated."""
    return request.remote_user


def _remember_context() -> None:
    # What later functions put into `g` and `session` is seen through it.
    request.environ[_CONTEXT] = copy_context()


def environ_of(scope: Scope) -> Environ:
    """The WSGI environment of an ASGI request, without its body."""
    scheme = scope.get("scheme", "http")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    # Cookies may come in several lines of HTTP/2; in WSGI they are one.
    cookies = "; ".join(value for name, value in headers if name == "cookie")
    others = [(name, value) for name, value in headers if name not in ("cookie", "content-length")]
    builder = EnvironBuilder(
        scope["path"],
        method=scope["method"],
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers=[*others, ("cookie", cookies)] if cookies else others,
        base_url=f"{scheme}://{dict(headers).get('host', 'localhost')}/",
        environ_overrides={"REMOTE_ADDR": scope["client"][0]} if scope.get("client") else None,
    )
    return builder.get_environ()
