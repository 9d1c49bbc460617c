"""The HTTP applications that servers make."""

import sys
from functools import wraps
from inspect import signature
from typing import Any

from mcp_obs._adapters import findings
from mcp_obs._asgi import McpAsgiMiddleware
from mcp_obs._guard import Guard

# That of HTTP+SSE goes one day, with the transport.
_STREAMABLE = {"mcp": "streamable_http_app", "fastmcp": "http_app"}
_MAKERS = (*_STREAMABLE.values(), "sse_app")
_PATHS = ("streamable_http_path", "sse_path", "message_path")
_UNCOUNTED = "requests that are turned away before their message is handled are not counted"

_watching = Guard("watching a server's HTTP application, so its rejections are not counted")


def watch_apps(server: Any, *, makes_none: bool = False) -> None:
    """Count the rejections of every application that `server` makes from now on; `makes_none` where it need not."""
    made = [name for name in _MAKERS if callable(getattr(server, name, None))]
    for name in made:
        _watch(server, name)
    library = findings.library_of(server) or "mcp"
    if not makes_none and _STREAMABLE[library] not in made:
        findings.report(library, f"{type(server).__qualname__}.{_STREAMABLE[library]}", _UNCOUNTED)


def _watch(server: Any, name: str) -> None:
    make = getattr(server, name)

    @wraps(make)
    def watched(*args: Any, **kwargs: Any) -> Any:
        app = make(*args, **kwargs)
        with _watching:
            bound = signature(make).bind(*args, **kwargs)
            bound.apply_defaults()
            app.add_middleware(McpAsgiMiddleware, paths=_paths(server, name, bound.arguments, app))
        return app

    setattr(server, name, watched)


def _paths(server: Any, maker: str, arguments: dict[str, Any], app: Any) -> list[str]:
    """Where `app` serves MCP: by what it was made with, by the settings, by what it says itself."""
    # Those of a server of fastmcp are everybody's; 2.x warns of who asks the server for them.
    own: Any = getattr(server, "__dict__", {})
    settings = own.get("settings") or getattr(sys.modules.get("fastmcp"), "settings", None)
    found = {name: arguments.get(name) or getattr(settings, name, None) for name in _PATHS}
    path = (
        getattr(app.state, "path", None)
        or found["sse_path" if maker == "sse_app" else "streamable_http_path"]
    )
    if not isinstance(path, str):
        findings.report(
            findings.library_of(server) or "mcp", f"path of {type(server).__qualname__}.{maker}", _UNCOUNTED
        )
    return [each for each in (*found.values(), path) if isinstance(each, str)]
