"""A session that runs here."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Literal

import anyio
from pydantic import BaseModel

from claude_code_mcp.checkpoints import Checkpoint, Checkpoints, Turn
from claude_code_mcp.errors import AgentError, AnswerFailedError, SessionBusyError, SessionIdleError
from claude_code_mcp.process import AgentProcess
from mcp_obs.agent_sessions import Answer, Session

Heard = Callable[[int, str], Awaitable[None]]
"""Is told how many messages have come, and what the last one says."""
Status = Literal["running", "completed", "failed", "interrupted", "lost"]


class Reply(BaseModel):
    """What the agent answers, in so many messages."""

    session_id: str
    outcome: Literal["answered", "cancelled"]
    text: str
    messages: int


class SessionRecord(BaseModel):
    """What is known of a session, running or not; `checkpoint_id` is what it went on from."""

    session_id: str
    model: str
    status: Status
    created_at: datetime
    checkpoint_id: str | None
    prompts: int


class AgentSession:
    """A process of the agent and what was said; it answers one prompt at a time."""

    def __init__(self, traced: Session[AgentProcess], turns: Sequence[Turn] = ()) -> None:
        self._traced = traced
        self._process = traced.process
        self._turns = list(turns)
        self._created_at = datetime.now(UTC)
        self._is_answering = False
        self._is_cancelled = False

    @property
    def id(self) -> str:
        """Its own name and the agent's for it."""
        return self._traced.id

    async def first_answer(self, prompt: str, heard: Heard) -> Reply:
        """What the agent answers to the prompt that it was started with."""
        with self._answering(prompt) as answer:
            return await self._hear(prompt, answer, heard)

    async def ask(self, prompt: str, heard: Heard) -> Reply:
        """What it answers to another prompt.

        Raises:
            SessionBusyError: it is answering.
            AnswerFailedError: it answers with an error.
            AgentLostError: it does not answer.
        """
        with self._answering(prompt) as answer:
            await self._process.send(prompt)
            return await self._hear(prompt, answer, heard)

    async def cancel(self) -> None:
        """Have it stop answering.

        Raises:
            SessionIdleError: it answers nothing.
            AgentLostError: it does not listen.
        """
        if not self._is_answering:
            raise SessionIdleError(f"Session {self.id} is answering nothing.")
        with self._traced.cancel():
            self._is_cancelled = True
            await self._process.interrupt()

    def checkpoint(self, checkpoint_id: str, label: str, checkpoints: Checkpoints) -> Checkpoint:
        """Keep it as it was after its last whole answer.

        Raises:
            SessionIdleError: there is no answer yet.
            StoreError: the disk does not take it.
        """
        with self._traced.checkpoint(checkpoint_id) as saving:
            if not self._turns:
                raise SessionIdleError(f"Session {self.id} has answered nothing yet that could be kept.")
            checkpoint = Checkpoint(
                id=checkpoint_id,
                label=label,
                session_id=self.id,
                model=self._traced.model,
                created_at=datetime.now(UTC),
                turns=self._turns,
            )
            saving.saved(checkpoints.save(checkpoint))
        return checkpoint

    async def end(self, status: Status, *, at_once: bool) -> None:
        """End its process."""
        with self._traced.end(status):
            await self._process.stop(at_once=at_once)

    def record(self, status: Status) -> SessionRecord:
        """What there is to tell of it."""
        return SessionRecord(
            session_id=self.id,
            model=self._traced.model,
            status=status,
            created_at=self._created_at,
            checkpoint_id=self._traced.checkpoint_id,
            prompts=len(self._turns),
        )

    @contextmanager
    def _answering(self, prompt: str) -> Generator[Answer]:
        if self._is_answering:
            raise SessionBusyError(f"Session {self.id} is answering; wait for it, or cancel it.")
        self._is_answering = True
        self._is_cancelled = False
        try:
            with self._traced.message(prompt) as answer:
                yield answer
        finally:
            self._is_answering = False

    async def _hear(self, prompt: str, answer: Answer, heard: Heard) -> Reply:
        message_id = ""
        try:
            while not (message := await self._process.receive()).is_result:
                answer.received()
                if message.text:
                    message_id = message.uuid
                    await heard(answer.messages, message.text)
        except anyio.get_cancelled_exc_class():
            # The client has gone; what the agent goes on with costs money all the same.
            with anyio.CancelScope(shield=True), suppress(AgentError):
                await self._process.interrupt()
            raise
        if self._is_cancelled and message.has_failed:
            answer.cancelled()
            return Reply(session_id=self.id, outcome="cancelled", text="", messages=answer.messages)
        if message.has_failed:
            raise AnswerFailedError(f"The agent failed: {message.result or message.subtype}")
        self._turns.append(Turn(prompt=prompt, answer=message.result, message_id=message_id))
        return Reply(session_id=self.id, outcome="answered", text=message.result, messages=answer.messages)
