"""Where the agent and the data are, and how long to wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The server's settings; `binary` comes before the search path, and that before the places."""

    binary: Path | None
    search_path: str
    places: tuple[Path, ...]
    data: Path
    start_seconds: float = 30
    """Until the agent is ready; a cold Node takes a few."""
    silence_seconds: float = 600
    """Between two messages: the agent may be running somebody's test suite."""
    stop_seconds: float = 5
    """Between the end of its input and force."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """What the environment says; CLAUDE_CODE_BINARY and CLAUDE_CODE_MCP_DATA are the server's own."""
        home = Path.home()
        binary = environment.get("CLAUDE_CODE_BINARY")
        return cls(
            binary=Path(binary) if binary else None,
            search_path=environment.get("PATH", ""),
            places=usual_places(home),
            data=Path(environment.get("CLAUDE_CODE_MCP_DATA") or home / ".claude-code-mcp"),
        )


def usual_places(home: Path) -> tuple[Path, ...]:
    """Where the agent's installers put it, which is not always on the PATH of a server that an editor starts."""
    return (
        home / ".local/bin/claude",
        home / ".claude/local/claude",
        home / ".npm-global/bin/claude",
        home / "node_modules/.bin/claude",
        home / ".yarn/bin/claude",
        Path("/opt/homebrew/bin/claude"),
        Path("/usr/local/bin/claude"),
    )
