"""The sessions of this server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import anyio

from claude_code_mcp.binary import AgentBinary, BinaryManager
from claude_code_mcp.checkpoints import Checkpoints, CheckpointSummary, command
from claude_code_mcp.errors import AgentLostError, SessionNotFoundError, StoreError
from claude_code_mcp.process import AgentProcess
from claude_code_mcp.session import AgentSession, Heard, Reply, SessionRecord, Status
from claude_code_mcp.settings import Settings
from claude_code_mcp.store import Store
from mcp_obs.agent_sessions import TracedSessionManager


def new_uuid() -> str:
    """The agent asks for UUIDs."""
    return str(uuid4())


class SessionManager:
    """Begins sessions, finds them again and ends them."""

    def __init__(self, settings: Settings, new_id: Callable[[], str] = new_uuid) -> None:
        self._settings = settings
        self._new_id = new_id
        self._records = Store(settings.data / "sessions", SessionRecord)
        self._checkpoints = Checkpoints(settings.data / "checkpoints")
        self._traced = TracedSessionManager(BinaryManager(settings), self._start, new_id)
        self._running = dict[str, AgentSession]()

    async def start(self, prompt: str, model: str, heard: Heard) -> Reply:
        """Begin a session and answer its first prompt.

        Raises:
            AgentError: there is no agent, it does not start, or it does not answer.
        """
        session = AgentSession(await self._traced.create_session(prompt, model))
        return await self._first_answer(session, prompt, heard)

    async def restore(self, checkpoint_id: str | None, prompt: str, heard: Heard) -> Reply:
        """Begin a session that goes on from a checkpoint, or from the newest, with another prompt.

        Raises:
            CheckpointNotFoundError: there is none.
            AgentError: as for `start`.
        """
        checkpoint = self._checkpoints.find(checkpoint_id)
        traced = await self._traced.restore_session(checkpoint.id, prompt, checkpoint.model)
        return await self._first_answer(AgentSession(traced, checkpoint.turns), prompt, heard)

    async def send(self, session_id: str | None, prompt: str, heard: Heard) -> Reply:
        """Answer another prompt; without a session's id, in the session that was begun last.

        Raises:
            SessionNotFoundError: no such session runs.
            AgentError: it does not answer.
        """
        session = self._find(session_id)
        async with self._ending_when_lost(session):
            return await session.ask(prompt, heard)

    async def cancel(self, session_id: str | None) -> SessionRecord:
        """Have a session stop answering."""
        session = self._find(session_id)
        await session.cancel()
        return session.record("running")

    def checkpoint(self, session_id: str | None, label: str) -> CheckpointSummary:
        """Keep a session as it was after its last whole answer."""
        session = self._find(session_id)
        return CheckpointSummary.of(session.checkpoint(self._new_id(), label, self._checkpoints))

    async def end(self, session_id: str | None) -> SessionRecord:
        """End a session."""
        return await self._end(self._find(session_id), "completed")

    async def end_all(self) -> None:
        """End what runs, because the server does."""
        async with anyio.create_task_group() as tasks:
            for session in list(self._running.values()):
                tasks.start_soon(self._end, session, "interrupted")

    def sessions(self) -> list[SessionRecord]:
        """Every session, the oldest first; one that runs by its record but not here is lost."""
        records = [self._known(record) for record in self._records.all()]
        return sorted(records, key=lambda record: record.created_at)

    def checkpoints(self, session_id: str | None) -> list[CheckpointSummary]:
        """The checkpoints of a session, or of all."""
        return self._checkpoints.of(session_id)

    async def _start(
        self, binary: AgentBinary, session_id: str, prompt: str, model: str, checkpoint_id: str | None
    ) -> AgentProcess:
        checkpoint = None if checkpoint_id is None else self._checkpoints.find(checkpoint_id)
        log = self._records.beside(session_id, ".log")
        return await AgentProcess.start(
            command(binary, session_id, model, checkpoint), prompt, log, self._settings
        )

    async def _first_answer(self, session: AgentSession, prompt: str, heard: Heard) -> Reply:
        self._running[session.id] = session
        async with self._ending_when_lost(session):
            self._records.write(session.id, session.record("running"))
            return await session.first_answer(prompt, heard)

    @asynccontextmanager
    async def _ending_when_lost(self, session: AgentSession) -> AsyncGenerator[None]:
        try:
            yield
        except (AgentLostError, StoreError):
            await self._end(session, "failed")
            raise

    async def _end(self, session: AgentSession, status: Status) -> SessionRecord:
        self._running.pop(session.id, None)
        await session.end(status, at_once=status == "failed")
        record = session.record(status)
        # A record that stays as it was says that the session is lost, which is near enough.
        with suppress(StoreError):
            self._records.write(session.id, record)
        return record

    def _find(self, session_id: str | None) -> AgentSession:
        wanted = next(reversed(self._running), "") if session_id is None else session_id
        if wanted in self._running:
            return self._running[wanted]
        record = self._records.read(wanted)
        if record is None:
            raise SessionNotFoundError(f"There is no session {wanted!r}; start_session begins one.")
        raise SessionNotFoundError(
            f"Session {wanted} does not run any more: it is {self._known(record).status}."
            " restore_checkpoint goes on from one of its checkpoints, start_session begins a new one."
        )

    def _known(self, record: SessionRecord) -> SessionRecord:
        running = self._running.get(record.session_id)
        if running is not None:
            return running.record("running")
        return record.model_copy(update={"status": "lost"}) if record.status == "running" else record
