"""Where a host's middleware leaves word of who calls, for the operation that the request brings."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mcp_obs._http import scope_of

USER = "mcp_obs.user"
"""In an ASGI scope or a WSGI environment: a function that says who the user is."""

AskUser = Callable[[], object]

ASKED: ContextVar[AskUser | None] = ContextVar("mcp_obs_user", default=None)


@contextmanager
def telling(ask: AskUser) -> Generator[None]:
    """Answer with `ask` in this context, for operations that have no HTTP request of their own."""
    token = ASKED.set(ask)
    try:
        yield
    finally:
        ASKED.reset(token)


def told_by(request: Any) -> AskUser | None:
    """What says who the user of a Starlette request is; for None, what the context says."""
    if request is None:
        return ASKED.get()
    scope = scope_of(request)
    # a2wsgi hands a WSGI environment on like this.
    return scope.get(USER) or scope.get("wsgi_environ", {}).get(USER)
