"""The HTTP applications that servers make."""

import sys
from functools import wraps
from inspect import signature
from typing import Any

from mcp_obs._asgi import McpAsgiMiddleware
from mcp_obs._guard import Guard

_MAKERS = ("streamable_http_app", "sse_app", "http_app")
_PATHS = ("streamable_http_path", "sse_path", "message_path")

_watching = Guard("watching a server's HTTP application, so its rejections are not counted")


def watch_apps(server: Any) -> None:
    """Count the rejections of every application that `server` makes from now on."""
    for name in _MAKERS:
        if callable(getattr(server, name, None)):
            _watch(server, name)


def _watch(server: Any, name: str) -> None:
    make = getattr(server, name)

    @wraps(make)
    def watched(*args: Any, **kwargs: Any) -> Any:
        app = make(*args, **kwargs)
        with _watching:
            bound = signature(make).bind(*args, **kwargs)
            bound.apply_defaults()
            app.add_middleware(McpAsgiMiddleware, paths=_paths(server, bound.arguments, app))
        return app

    setattr(server, name, watched)


def _paths(server: Any, arguments: dict[str, Any], app: Any) -> list[str]:
    """Where `app` serves MCP: by what it was made with, by the settings, by what it says itself."""
    # Those of a server of fastmcp are everybody's; 2.x warns of who asks the server for them.
    own: Any = getattr(server, "__dict__", {})
    settings = own.get("settings") or getattr(sys.modules.get("fastmcp"), "settings", None)
    found = [arguments.get(name) or getattr(settings, name, None) for name in _PATHS]
    return [path for path in (*found, getattr(app.state, "path", None)) if isinstance(path, str)]
