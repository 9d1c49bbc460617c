"""Creates and restores the sessions of an agent."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from opentelemetry.trace import SpanKind

from mcp_obs import semconv
from mcp_obs.agent_sessions._metrics import MetricsCollector
from mcp_obs.agent_sessions._session import Session, id_attributes, model_attributes
from mcp_obs.agent_sessions._spans import spanning


class Binary(Protocol):
    """The agent's program."""

    @property
    def version(self) -> str:
        """What it says of its version."""
        ...


class AgentProcess(Protocol):
    """A process of it."""

    @property
    def pid(self) -> int:
        """The number of the process."""
        ...


BinaryT = TypeVar("BinaryT", bound=Binary)
BinaryT_co = TypeVar("BinaryT_co", bound=Binary, covariant=True)
ProcessT = TypeVar("ProcessT", bound=AgentProcess)


class BinaryManager(Protocol[BinaryT_co]):
    """Finds the agent's program."""

    async def discover(self) -> BinaryT_co:
        """The program; raises when there is none."""
        ...


Start = Callable[[BinaryT, str, str, str, str | None], Awaitable[ProcessT]]
"""Starts a process: binary, session id, prompt, model, and the checkpoint to go on from."""


def _new_id() -> str:
    return str(uuid4())


class TracedSessionManager(Generic[BinaryT, ProcessT]):
    """Every session that it creates is a span `session.create`, with `binary.discover` and `process.start` below."""

    def __init__(
        self,
        binary_manager: BinaryManager[BinaryT],
        start: Start[BinaryT, ProcessT],
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._binary_manager = binary_manager
        self._start = start
        self._new_id = new_id
        self._collector = MetricsCollector()

    async def create_session(self, prompt: str, model: str) -> Session[ProcessT]:
        """A new session; what discovery or the start raises goes on as it is."""
        return await self._begin(prompt, model, None)

    async def restore_session(self, checkpoint_id: str, prompt: str, model: str) -> Session[ProcessT]:
        """A session that goes on from a checkpoint."""
        return await self._begin(prompt, model, checkpoint_id)

    async def _begin(self, prompt: str, model: str, checkpoint_id: str | None) -> Session[ProcessT]:
        session_id = self._new_id()
        origin = semconv.SESSION_TYPE_NEW if checkpoint_id is None else semconv.SESSION_TYPE_RESTORED
        attributes: dict[str, Any] = {
            **model_attributes(model),
            **id_attributes(session_id),
            semconv.MCP_PROMPT_LENGTH: len(prompt),
            semconv.MCP_SESSION_TYPE: origin,
        }
        if checkpoint_id is not None:
            attributes[semconv.MCP_CHECKPOINT_ID] = checkpoint_id
        try:
            with spanning("session.create", attributes, SpanKind.SERVER) as span:
                with spanning("binary.discover", {}):
                    binary = await self._binary_manager.discover()
                    span.set_attribute(semconv.MCP_BINARY_VERSION, binary.version)
                with spanning("process.start", {}):
                    process = await self._start(binary, session_id, prompt, model, checkpoint_id)
                created = {semconv.MCP_SESSION_ID: session_id, semconv.MCP_PROCESS_PID: process.pid}
                span.add_event("session.created", created)
        except Exception as error:
            self._collector.record_error(error)
            raise
        return Session(session_id, model, process, self._collector, checkpoint_id)
