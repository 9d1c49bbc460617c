"""What the tests of an SDK have proven in one environment, as their run wrote it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behaviours_model import Behaviour, Behaviours, Line
from semconv_model import ContractError

FOLDER = Path(__file__).with_name("proofs")

Transports = dict[str, tuple[str, ...]]
"""By the id of a behaviour, where it was proven."""


@dataclass(frozen=True)
class Proofs:
    """One run: `versions` of the libraries, and what was proven on each of their lines in each era."""

    name: str
    sdk: str
    versions: dict[str, str]
    servers: dict[tuple[str, str], Transports]
    process: frozenset[str]

    def lines(self, behaviours: Behaviours) -> list[Line]:
        """The library lines that the environment has."""
        names = {f"{library} {version.partition('.')[0]}.x" for library, version in self.versions.items()}
        return [line for line in behaviours.lines if line.sdk == self.sdk and line.name in names]

    def missing(self, behaviours: Behaviours) -> Iterator[str]:
        """What the SDK must do and this run did not prove, with where it was to be proven."""
        lines = self.lines(behaviours)
        for behaviour in behaviours.of(self.sdk):
            if behaviour.scope == "process":
                concerned = any(line.name in behaviour.lines for line in lines)
                if concerned and behaviour.id not in self.process:
                    yield f"{behaviour.id} (process)"
                continue
            for line, era in places(behaviour, lines):
                if behaviour.id not in self.servers.get((line.name, era), {}):
                    yield f"{behaviour.id} ({line.name}, {era})"


def places(behaviour: Behaviour, lines: list[Line]) -> Iterator[tuple[Line, str]]:
    """The lines and eras that a server's behaviour is to be proven on."""
    for line in lines:
        if line.name in behaviour.lines:
            for era in line.eras:
                if era in behaviour.eras:
                    yield line, era


def read(path: Path, behaviours: Behaviours) -> Proofs:
    """One file of proofs; raises ContractError when it names what behaviours.yaml does not have."""
    raw: dict[str, Any] = json.loads(path.read_text())
    servers: dict[tuple[str, str], Transports] = {}
    for line, eras in raw["servers"].items():
        behaviours.line(line)
        for era, proven in eras.items():
            servers[line, era] = {name: tuple(transports) for name, transports in proven.items()}
    process = frozenset[str](raw["process"])
    try:
        for name in (*process, *(name for proven in servers.values() for name in proven)):
            behaviours.find(name)
    except ContractError as error:
        raise ContractError(f"{path.name}: {error}") from error
    return Proofs(path.stem, raw["sdk"], raw["versions"], servers, process)
