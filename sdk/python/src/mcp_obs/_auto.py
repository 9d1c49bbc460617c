"""Without a change to a program: every MCP server that it builds is instrumented."""

import os
import threading
from collections.abc import Callable, Collection
from functools import wraps
from types import ModuleType
from typing import Any, Self

from opentelemetry import trace

from mcp_obs import _telemetry
from mcp_obs._configure import configure_mcp_telemetry
from mcp_obs._guard import Guard
from mcp_obs._instrument import instrument
from mcp_obs._run.mcp_obs_after_import import after_import

# Where the libraries define the classes that servers are made of.
_CLASSES = {
    "mcp.server.lowlevel.server": "Server",
    "mcp.server.mcpserver.server": "MCPServer",
    "mcp.server.fastmcp.server": "FastMCP",
    "fastmcp.server.server": "FastMCP",
}

_watching = Guard("watching for MCP servers, so none is recorded")
_configuring = Guard("configuring itself for the first MCP server")


class Instrumentor:
    """What `opentelemetry-instrument` finds by the entry point `mcp_obs`; there is one.

    It has the interface of opentelemetry.instrumentation's BaseInstrumentor, and does not need that package.
    """

    _only: Self | None = None

    def __new__(cls) -> Self:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __init__(self) -> None:
        if hasattr(self, "_is_on"):
            return
        self._is_on = False
        self._is_watching = False
        self._building = threading.local()

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: a library that is not installed is not waited for in vain."""
        return ()

    def instrument(self, **options: object) -> None:
        """Instrument every server that is built from now on; a second call changes nothing."""
        self._is_on = True
        if not self._is_watching:
            self._is_watching = True
            for module, name in _CLASSES.items():
                after_import(module, self._watch(name))

    def uninstrument(self, **options: object) -> None:
        """Leave the servers alone that are built from now on."""
        self._is_on = False

    def _watch(self, name: str) -> Callable[[ModuleType], None]:
        def watch(module: ModuleType) -> None:
            with _watching:
                self._wrap(getattr(module, name))

        return watch

    def _wrap(self, kind: type[Any]) -> None:
        build = kind.__init__

        @wraps(build)
        def built(server: Any, *args: Any, **kwargs: Any) -> None:
            # A server is made of others, which the outermost one's adapter knows.
            depth = getattr(self._building, "depth", 0)
            self._building.depth = depth + 1
            try:
                build(server, *args, **kwargs)
            finally:
                self._building.depth = depth
            if depth == 0 and self._is_on:
                _configure_unless_done()
                instrument(server)

        kind.__init__ = built


def _configure_unless_done() -> None:
    """At the first server, not at the start: the program may do it itself, and may need none of it."""
    with _configuring:
        if _telemetry.is_decided():
            return
        ours = ("MCP_OBS_API_KEY", "MCP_OBS_ENDPOINT", "MCP_OBS_EXPORTER")
        is_ours = any(os.environ.get(name) for name in ours)
        if is_ours or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            configure_mcp_telemetry()
