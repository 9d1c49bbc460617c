"""What the suites of the SDKs have proven, one file for each environment, as the suites wrote it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behaviours_model import Behaviours

FOLDER = Path(__file__).with_name("proofs")

Servers = dict[str, dict[str, dict[str, tuple[str, ...]]]]
"""The transports, by line, era and behaviour."""
Gap = tuple[str, ...]
"""What was to be proven and is not: the behaviour, and the line and the era if it is a server's."""


@dataclass(frozen=True)
class Proofs:
    """What one run has proven, and what not, in an environment with these versions of the MCP libraries."""

    sdk: str
    versions: dict[str, str]
    process: tuple[str, ...]
    servers: Servers
    unproven: tuple[Gap, ...] = ()

    @property
    def installed(self) -> dict[str, str]:
        """The versions by library line, as in {"mcp 1.x": "1.9.4"}."""
        return {
            f"{library} {version.partition('.')[0]}.x": version for library, version in self.versions.items()
        }

    def write(self, path: Path) -> None:
        """Write the file, the same for the same proofs."""
        servers = {
            line: {
                era: {name: " ".join(found) for name, found in sorted(proven.items())}
                for era, proven in sorted(eras.items())
            }
            for line, eras in sorted(self.servers.items())
        }
        content = {
            "sdk": self.sdk,
            "versions": self.versions,
            "unproven": [list(gap) for gap in self.unproven],
            "process": sorted(self.process),
            "servers": servers,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")


def read(path: Path) -> Proofs:
    """The proofs of one file."""
    raw: dict[str, Any] = json.loads(path.read_text())
    servers: Servers = {
        line: {
            era: {name: tuple(found.split()) for name, found in proven.items()}
            for era, proven in eras.items()
        }
        for line, eras in raw["servers"].items()
    }
    unproven = tuple(tuple(gap) for gap in raw["unproven"])
    return Proofs(raw["sdk"], raw["versions"], tuple(raw["process"]), servers, unproven)


def read_all(sdk: str, folder: Path = FOLDER) -> list[Proofs]:
    """The proofs of every environment of an SDK."""
    return [read(path) for path in sorted((folder / sdk).glob("*.json"))]


def gaps(behaviours: Behaviours, proofs: Proofs) -> Iterator[Gap]:
    """What the SDK must do in that environment and the run has not proven."""
    for behaviour in behaviours.of(proofs.sdk):
        concerned = behaviour.concerned(proofs.installed)
        if behaviour.scope == "process":
            if concerned and behaviour.id not in proofs.process:
                yield (behaviour.id,)
            continue
        for line in concerned:
            proven = proofs.servers.get(line, {})
            for era in behaviours.line(line).eras:
                if era in behaviour.eras and behaviour.id not in proven.get(era, {}):
                    yield (behaviour.id, line, era)
