"""One session of an agent."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from mcp_obs import _clock, semconv
from mcp_obs._metrics.sessions import SessionCounts
from mcp_obs.agent_sessions._metrics import MetricsCollector
from mcp_obs.agent_sessions._spans import spanning

ProcessT_co = TypeVar("ProcessT_co", covariant=True)


class Answer:
    """What comes back for a prompt."""

    def __init__(self) -> None:
        self.messages = 0
        self.is_cancelled = False

    def received(self) -> None:
        """Another message of it has come."""
        self.messages += 1

    def cancelled(self) -> None:
        """It was stopped before it was whole: it counts in no latency."""
        self.is_cancelled = True


class Session(Generic[ProcessT_co]):
    """A session that has begun; `process` is what was started for it, `checkpoint_id` what it goes on from."""

    def __init__(
        self,
        session_id: str,
        model: str,
        process: ProcessT_co,
        collector: MetricsCollector,
        checkpoint_id: str | None = None,
    ) -> None:
        self.id = session_id
        self.model = model
        self.process = process
        self.checkpoint_id = checkpoint_id
        self.status: str | None = None
        """How it ended; None while it goes on."""
        self._collector = collector
        restored = checkpoint_id is not None
        self._counts: SessionCounts | None = collector.record_session_start(model, restored=restored)

    @contextmanager
    def message(self, prompt: str) -> Generator[Answer]:
        """Around the sending of a prompt until its answer is whole: the span `session.message`."""
        answer = Answer()
        started = _clock.perf_counter()
        attributes = {**self._attributes(), semconv.MCP_PROMPT_LENGTH: len(prompt)}
        with self._counting_errors(), spanning("session.message", attributes) as span:
            try:
                yield answer
            finally:
                span.set_attribute(semconv.MCP_MESSAGE_COUNT, answer.messages)
            if not answer.is_cancelled:
                self._collector.record_message(_clock.perf_counter() - started, answer.messages)

    @contextmanager
    def cancel(self) -> Generator[None]:
        """Around telling the agent to stop answering: the span `session.cancel`."""
        with self._counting_errors(), spanning("session.cancel", self._attributes()):
            yield

    @contextmanager
    def checkpoint(self, checkpoint_id: str) -> Generator["Checkpoint"]:
        """Around the saving of a checkpoint: the span `session.checkpoint`. Say its size with `saved`."""
        saving = Checkpoint()
        attributes = {**self._attributes(), semconv.MCP_CHECKPOINT_ID: checkpoint_id}
        with self._counting_errors(), spanning("session.checkpoint", attributes) as span:
            yield saving
            if saving.size is not None:
                span.set_attribute(semconv.MCP_CHECKPOINT_LENGTH, saving.size)
                self._collector.record_checkpoint(saving.size)

    @contextmanager
    def end(self, status: str = "completed") -> Generator[None]:
        """Around the ending of its process: the span `session.end`. A second end changes nothing."""
        if self.status is not None:
            yield
            return
        self.status = status
        try:
            with (
                self._counting_errors(),
                spanning("session.end", self._attributes() | {semconv.MCP_SESSION_STATUS: status}),
            ):
                yield
        finally:
            if self._counts is not None:
                self._counts.end(status)

    def _attributes(self) -> dict[str, Any]:
        return {**model_attributes(self.model), **id_attributes(self.id)}

    @contextmanager
    def _counting_errors(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            self._collector.record_error(error)
            raise


class Checkpoint:
    """A checkpoint that is being saved."""

    def __init__(self) -> None:
        self.size: int | None = None

    def saved(self, size: int) -> None:
        """It has so many bytes."""
        self.size = size


def model_attributes(model: str) -> dict[str, Any]:
    """The model, by the seed's name and by that of the conventions."""
    return {semconv.MCP_MODEL: model, semconv.GEN_AI_REQUEST_MODEL: model}


def id_attributes(session_id: str) -> dict[str, Any]:
    """The session, named by the application itself."""
    return {
        semconv.MCP_SESSION_ID: session_id,
        semconv.MCP_OBS_SESSION_ID: session_id,
        semconv.MCP_OBS_SESSION_SOURCE: semconv.SESSION_SOURCE_HANDLE,
    }
