"""fastmcp 3.x: the low-level server of mcp 1.x below it, with fastmcp's own spans left out."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import Any

from opentelemetry.trace import INVALID_SPAN, Span

from mcp_obs._adapters import findings, mcp_v1
from mcp_obs._operation import current_operation

# Where fastmcp opens the spans of requests, of mounted servers, and of what it asks the client; since which version.
_TRACED = {"fastmcp.server.telemetry": (3, 0), "fastmcp.server.sampling.run": (3, 4)}
_MARK = "_mcp_obs_silences"


class SilentTracer:
    """Its spans are nobody's: the span of the operation stays the current one."""

    @contextmanager
    def start_as_current_span(self, *_args: Any, **_kwargs: Any) -> Generator[Span]:
        """A span that records nothing."""
        yield INVALID_SPAN


def instrument(server: Any) -> None:
    """Observe every connection of the low-level server, and silence fastmcp inside its operations."""
    mcp_v1.instrument(server)
    for name, since in _TRACED.items():
        if _installed() >= since:
            _silence(name)


def _installed() -> tuple[int, ...]:
    """The version; a copy that does not tell its own is taken for a new one."""
    numbers = re.findall(r"\d+", findings.version_of("fastmcp"))
    return tuple(map(int, numbers)) or (3, 99)


def _silence(name: str) -> None:
    module: Any = None
    try:
        module = import_module(name)
        get_tracer: Callable[..., Any] = module.get_tracer
    except (ImportError, AttributeError):
        findings.report("fastmcp", f"{name}.get_tracer", "operations have a second span, fastmcp's own")
        return
    if hasattr(get_tracer, _MARK):
        return

    @wraps(get_tracer)
    def of_an_operation(*args: Any, **kwargs: Any) -> Any:
        # Another server of the process keeps its spans.
        return SilentTracer() if current_operation() is not None else get_tracer(*args, **kwargs)

    setattr(of_an_operation, _MARK, True)
    module.get_tracer = of_an_operation
