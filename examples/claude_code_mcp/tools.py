"""What the server's clients can do."""

from collections.abc import Callable
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from claude_code_mcp.checkpoints import CheckpointSummary
from claude_code_mcp.manager import SessionManager
from claude_code_mcp.session import Reply, SessionRecord

Prompt = Annotated[str, Field(min_length=1, description="What the agent is to do")]
Model = Annotated[str, Field(min_length=1, description="The agent's model, for example 'sonnet' or 'opus'")]
SessionId = Annotated[
    str | None, Field(description="The session; without one, the running session that was begun last")
]
CheckpointId = Annotated[str | None, Field(description="The checkpoint; without one, the newest")]


class AgentTools:
    """The tools; what the agent says on its way comes as progress."""

    def __init__(self, manager: SessionManager) -> None:
        self._manager = manager

    def all(self) -> list[Callable[..., Any]]:
        """Every tool."""
        return [
            self.start_session,
            self.send_message,
            self.cancel,
            self.list_sessions,
            self.create_checkpoint,
            self.list_checkpoints,
            self.restore_checkpoint,
            self.end_session,
        ]

    async def start_session(self, prompt: Prompt, ctx: Context, model: Model = "sonnet") -> Reply:
        """Start an agent and return its answer to a first prompt, with the session's id."""
        return await self._manager.start(prompt, model, telling(ctx))

    async def send_message(self, prompt: Prompt, ctx: Context, session_id: SessionId = None) -> Reply:
        """Give a session another prompt and return its answer."""
        return await self._manager.send(session_id, prompt, telling(ctx))

    async def cancel(self, session_id: SessionId = None) -> SessionRecord:
        """Stop the answer that a session is working on; the session itself goes on."""
        return await self._manager.cancel(session_id)

    async def list_sessions(self) -> list[SessionRecord]:
        """Every session, those of earlier runs of this server too."""
        return self._manager.sessions()

    async def create_checkpoint(self, label: str = "", session_id: SessionId = None) -> CheckpointSummary:
        """Keep a session as it is after its last answer."""
        return self._manager.checkpoint(session_id, label)

    async def list_checkpoints(self, session_id: str | None = None) -> list[CheckpointSummary]:
        """The checkpoints of a session, or of all."""
        return self._manager.checkpoints(session_id)

    async def restore_checkpoint(
        self, prompt: Prompt, ctx: Context, checkpoint_id: CheckpointId = None
    ) -> Reply:
        """Start a session that goes on from a checkpoint and return its answer; the old session stays as it is."""
        return await self._manager.restore(checkpoint_id, prompt, telling(ctx))

    async def end_session(self, session_id: SessionId = None) -> SessionRecord:
        """End a session; its checkpoints stay."""
        return await self._manager.end(session_id)


def telling(ctx: Context) -> Callable[[int, str], Any]:
    """Tells the client how far the agent is."""

    async def tell(messages: int, text: str) -> None:
        await ctx.report_progress(messages, message=text)

    return tell
