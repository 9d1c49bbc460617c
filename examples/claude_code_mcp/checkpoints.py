"""Points that a session can be gone on from."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from claude_code_mcp.binary import AgentBinary
from claude_code_mcp.errors import CheckpointNotFoundError
from claude_code_mcp.store import Store


class Turn(BaseModel):
    """A prompt and its answer; `message_id` is the agent's own name of its last message."""

    prompt: str
    answer: str
    message_id: str


class Checkpoint(BaseModel):
    """A session as it was after its last whole answer."""

    id: str
    label: str
    session_id: str
    model: str
    created_at: datetime
    turns: list[Turn]


class CheckpointSummary(BaseModel):
    """A checkpoint without what was said."""

    id: str
    label: str
    session_id: str
    model: str
    created_at: datetime
    prompts: int

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "CheckpointSummary":
        """What there is to tell of one."""
        return cls(**checkpoint.model_dump(exclude={"turns"}), prompts=len(checkpoint.turns))


class Checkpoints:
    """The checkpoints of every session."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder, Checkpoint)

    def save(self, checkpoint: Checkpoint) -> int:
        """Keep one; returns its bytes."""
        return self._store.write(checkpoint.id, checkpoint)

    def find(self, checkpoint_id: str | None) -> Checkpoint:
        """The one of that id, or the newest.

        Raises:
            CheckpointNotFoundError: there is none.
        """
        if checkpoint_id is None:
            found = max(self._store.all(), key=lambda one: one.created_at, default=None)
        else:
            found = self._store.read(checkpoint_id)
        if found is None:
            raise CheckpointNotFoundError(
                f"There is no checkpoint {checkpoint_id or ''}; list_checkpoints tells which there are."
            )
        return found

    def of(self, session_id: str | None) -> list[CheckpointSummary]:
        """Those of a session, or of all; the oldest first."""
        wanted = [one for one in self._store.all() if session_id in {None, one.session_id}]
        return [CheckpointSummary.of(one) for one in sorted(wanted, key=lambda one: one.created_at)]


def command(binary: AgentBinary, session_id: str, model: str, checkpoint: Checkpoint | None) -> list[str]:
    """The command line of a session.

    A value stands behind an equals sign: one that begins with a dash would be a flag of its own otherwise.
    """
    new = [
        str(binary.path),
        "-p",
        "--verbose",
        "--input-format=stream-json",
        "--output-format=stream-json",
        f"--model={model}",
        f"--session-id={session_id}",
    ]
    if checkpoint is None:
        return new
    last = checkpoint.turns[-1].message_id
    return [*new, f"--resume={checkpoint.session_id}", "--fork-session", f"--resume-session-at={last}"]
