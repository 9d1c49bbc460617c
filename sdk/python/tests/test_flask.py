"""The users of a Flask application are those of the MCP operations, however the endpoint is mounted."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import flask
import pytest
from a2wsgi import WSGIMiddleware
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording, Way
from sdk_kit.serving import serving
from sdk_kit.wsgi_serving import as_wsgi, serving_wsgi
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

import mcp_obs
from mcp_obs.flask import AsgiUserMiddleware, Host, UserMiddleware, environ_of, instrument_users

lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)


def application() -> Flask:
    """Signs its users in, and is a site of its own beside the endpoint."""
    app = Flask("kit")
    app.secret_key = "not secret"

    @app.get("/site")
    def site() -> str:  # pyright: ignore[reportUnusedFunction]  Flask calls it
        return "the site"

    return app


def signed_in() -> str | None:
    """Whom the request's own token names."""
    sent = flask.request.authorization
    return f"user of {sent.token}" if sent is not None else None


@contextmanager
def dispatched(endpoint: Any) -> Generator[str]:
    """The endpoint beside Flask's views, by the dispatcher of werkzeug."""
    app = application()
    with as_wsgi(endpoint) as mounted:
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/tools": mounted})
        with serving_wsgi(instrument_users(app, signed_in)) as url:
            yield f"{url}/tools"


@contextmanager
def in_a_view(endpoint: Any) -> Generator[str]:
    """The endpoint behind a view, so after what Flask does before each of them."""
    app = application()
    instrument_users(app, lambda: flask.g.user)

    @app.before_request
    def sign_in() -> None:  # pyright: ignore[reportUnusedFunction]  Flask calls it
        flask.g.user = signed_in()

    with as_wsgi(endpoint) as mounted:
        # The clients of mcp 1.9 end the path with a slash.
        @app.route("/mcp", methods=["GET", "POST", "DELETE"], strict_slashes=False)
        def tools() -> Response:  # pyright: ignore[reportUnusedFunction]  Flask calls it
            return Response.from_app(mounted, flask.request.environ)

        with serving_wsgi(app) as url:
            yield url


@contextmanager
def side_by_side(endpoint: Any) -> Generator[str]:
    """Flask and the endpoint in one ASGI application."""
    app = application()
    wsgi: Any = app  # three packages type WSGI, each in its own way
    site: Any = WSGIMiddleware(wsgi)
    both = Starlette(
        routes=[Mount("/tools", endpoint), Mount("/", site)],
        lifespan=endpoint.router.lifespan_context,
    )
    with serving(AsgiUserMiddleware(both, app, signed_in)) as url:
        yield f"{url}/tools"


@pytest.mark.behaviour("user.host-application")
@pytest.mark.anyio
@pytest.mark.parametrize("mounted", [dispatched, in_a_view, side_by_side])
@lines
async def test_a_call_through_a_flask_application_is_that_of_its_own_user(line: Line, mounted: Any, way: Way):
    with Recording(way) as recording:
        with mounted(line.app(mcp_obs.instrument(line.build()))) as url:
            async with line.over_http(url, "ada") as peer:
                await peer.call("greet", name="Ada")
        attributes = recording.picture("tools/call greet")["attributes"]
    assert attributes["enduser.id"] == "user of ada"


def scope_with(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """An HTTP request to the endpoint."""
    return {
        "type": "http",
        "method": "POST",
        "path": "/tools/mcp",
        "query_string": b"a=1",
        "headers": [(b"host", b"site.example"), (b"content-length", b"7"), *headers],
        "client": ("203.0.113.7", 4000),
    }


def test_the_session_of_flask_is_read_from_the_request_s_cookies():
    app = application()
    serializer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
    cookie = f"session={serializer.dumps({'user': 'ada'})}".encode()
    host = Host(app, lambda: flask.session.get("user"))
    assert host.user_of(environ_of(scope_with((b"cookie", b"theme=dark"), (b"cookie", cookie)))) == "ada"
    assert host.user_of(environ_of(scope_with())) is None


def test_the_function_sees_the_request_and_not_its_body():
    app = application()
    seen: list[Any] = []

    def user() -> None:
        sent = flask.request
        seen.append((sent.method, sent.path, sent.args["a"], sent.remote_addr, sent.host, sent.get_data()))

    Host(app, user).user_of(environ_of(scope_with()))
    assert seen == [("POST", "/tools/mcp", "1", "203.0.113.7", "site.example", b"")]


def test_without_a_function_it_is_whom_the_web_server_has_authenticated():
    app = application()
    environ = environ_of(scope_with((b"remote-user", b"mallory")))
    assert Host(app, None).user_of(environ) is None
    assert Host(app, None).user_of({**environ, "REMOTE_USER": "ada"}) == "ada"


def test_the_application_serves_as_before_and_a_function_that_fails_changes_nothing():
    app = application()
    assert instrument_users(app, lambda: 1 / 0) is app
    assert isinstance(app.wsgi_app, UserMiddleware)
    answer = app.test_client().get("/site")
    assert (answer.status_code, answer.text) == (200, "the site")
