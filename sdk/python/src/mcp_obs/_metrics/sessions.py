"""How many sessions there are, and how long they last."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from mcp_obs import _clock, semconv
from mcp_obs._forked_child import new_lock
from mcp_obs._guard import Guard
from mcp_obs._metrics.metrics import Metrics

_counting = Guard("counting a session")


class SessionCounts:
    """Counts in `mcp.sessions.*`; `status` is how the session ended, `model` is that of a coding agent."""

    def __init__(self, metrics: Metrics, *, restored: bool = False, model: str | None = None) -> None:
        self._metrics = metrics
        self._model = {} if model is None else {semconv.MODEL: model}
        self._started = _clock.perf_counter()
        metrics.record(semconv.MCP_SESSIONS_TOTAL, 1, {**self._model, semconv.RESTORED: str(restored)})
        metrics.record(semconv.MCP_SESSIONS_ACTIVE, 1)

    def end(self, status: str) -> None:
        """It is over."""
        seconds = _clock.perf_counter() - self._started
        self._metrics.record(semconv.MCP_SESSION_DURATION, seconds, {**self._model, semconv.STATUS: status})
        self._metrics.record(semconv.MCP_SESSIONS_ACTIVE, -1)


class Agents:
    """Whether the process runs sessions of coding agents, which are the ones to count then."""

    are_run = False


def agents_are_run() -> None:
    """From now on `mcp.sessions.*` are those of coding agents, and not of MCP clients."""
    Agents.are_run = True


class McpSession:
    """The session of an MCP client of 2025-11-25 and before: from the answer to `initialize` to its connection's end.

    `attributes` are those of that operation.
    """

    def __init__(self, metrics: Metrics, attributes: Mapping[str, Any]) -> None:
        self._metrics = metrics
        self._attributes = attributes
        self._started = _clock.perf_counter()
        self._ending = new_lock()
        self._is_over = False
        self._counts = None if Agents.are_run else SessionCounts(metrics)
        _open.add(self)

    def end(self, error_type: str | None = None) -> None:
        """Its connection is gone; only the first time counts."""
        with self._ending:
            if self._is_over:
                return
            self._is_over = True
        _open.discard(self)
        with _counting:
            failed = {} if error_type is None else {semconv.ERROR_TYPE: error_type}
            seconds = _clock.perf_counter() - self._started
            self._metrics.record(semconv.MCP_SERVER_SESSION_DURATION, seconds, {**self._attributes, **failed})
            if self._counts is not None:
                self._counts.end("failed" if failed else "ended")


_open = WeakSet[McpSession]()


def end_sessions() -> None:
    """The process ends, and what is open with it."""
    for session in tuple(_open):
        session.end()
