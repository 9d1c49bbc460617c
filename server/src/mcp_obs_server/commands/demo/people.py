"""Who uses the demo's servers, and with which MCP clients."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Era = Literal["legacy", "modern"]

# fmt: off
FIRST_NAMES = (
    "ana", "ben", "chloe", "david", "elif", "farid", "greta", "hiro",
    "ines", "jonas", "kavya", "liam", "maya", "nils", "olga", "pedro",
    "quinn", "rosa", "samir", "tess", "umar", "vera", "wei", "ximena",
    "yusuf", "zoe", "amara", "bruno", "carla", "dmitri", "emeka", "freya",
)
# fmt: on
TEAMS = ("acme.example", "globex.example")


@dataclass(frozen=True)
class ClientApp:
    """An MCP client: its releases, oldest first, and how it negotiates the protocol."""

    name: str
    versions: tuple[str, ...]
    era: Era

    @property
    def protocol_version(self) -> str:
        """What it speaks with a server that knows both eras."""
        return "2026-07-28" if self.era == "modern" else "2025-11-25"


@dataclass(frozen=True)
class Person:
    """A user and the client they prefer."""

    user: str
    app: ClientApp
    address: str

    @property
    def token(self) -> str:
        """The bearer token that the example servers know this user by; worthless elsewhere."""
        return f"demo-{hashlib.sha256(self.user.encode()).hexdigest()[:24]}"


APPS = (
    ClientApp("claude-code", ("2.4.1", "2.5.0", "2.6.3"), "modern"),
    ClientApp("cursor", ("3.1.0", "3.2.2"), "legacy"),
    ClientApp("vscode", ("1.118.0", "1.119.1"), "modern"),
    ClientApp("claude-desktop", ("1.9.2", "1.10.0"), "legacy"),
    ClientApp("mcp-inspector", ("0.22.0",), "legacy"),
    ClientApp("chatgpt", ("1.2026.301", "1.2026.314"), "modern"),
)
# Half of the people use the first client: shares in a real population are never even.
PEOPLE = tuple(
    Person(
        f"{name}@{team}",
        APPS[0] if index % 2 == 0 else APPS[1 + (index // 2) % (len(APPS) - 1)],
        f"198.51.100.{index + 10}",  # RFC 5737: addresses for documentation
    )
    for index, (team, name) in enumerate((team, name) for team in TEAMS for name in FIRST_NAMES)
)
