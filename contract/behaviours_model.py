"""What an SDK must do, as typed values, checked while they are read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from semconv_model import ContractError, refuse_duplicates, refuse_unknown

SOURCE = Path(__file__).with_name("behaviours.yaml")
ERAS = ("legacy", "modern")
SCOPES = ("server", "process")
STATUSES = ("proven", "planned")
_ID = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*")


@dataclass(frozen=True)
class Line:
    """One major version of one MCP library, and the protocol eras that it speaks."""

    name: str
    sdk: str
    eras: tuple[str, ...]


@dataclass(frozen=True)
class Behaviour:
    """One thing that an SDK does, and where."""

    id: str
    says: str
    scope: str
    eras: tuple[str, ...]
    transports: tuple[str, ...]
    lines: tuple[str, ...]
    sdks: tuple[str, ...]
    since: dict[str, str]
    status: str

    def concerned(self, installed: dict[str, str]) -> list[str]:
        """Those of the installed lines, given with their versions, that can show it."""
        return [
            line
            for line, version in installed.items()
            if line in self.lines and version_order(version) >= version_order(self.since.get(line, "0"))
        ]

    @property
    def is_planned(self) -> bool:
        """Whether nothing proves it yet."""
        return self.status == "planned"


@dataclass(frozen=True)
class Behaviours:
    """Everything in behaviours.yaml."""

    sdks: tuple[str, ...]
    transports: tuple[str, ...]
    lines: tuple[Line, ...]
    behaviours: tuple[Behaviour, ...]

    def find(self, name: str) -> Behaviour:
        """The behaviour of that id; raises ContractError for an id that is not known."""
        for behaviour in self.behaviours:
            if behaviour.id == name:
                return behaviour
        raise ContractError(f"behaviour {name!r} is not in behaviours.yaml")

    def line(self, name: str) -> Line:
        """The library line of that name; raises ContractError for one that is not known."""
        for line in self.lines:
            if line.name == name:
                return line
        raise ContractError(f"library line {name!r} is not in behaviours.yaml")

    def of(self, sdk: str) -> list[Behaviour]:
        """What that SDK must do by now."""
        return [one for one in self.behaviours if sdk in one.sdks and not one.is_planned]


@cache
def load(path: Path = SOURCE) -> Behaviours:
    """Read and check the behaviours; raises ContractError."""
    try:
        return _build(yaml.safe_load(path.read_text()))
    except (TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} is malformed: {error}") from error


def _build(raw: dict[str, Any]) -> Behaviours:
    sdks, transports = tuple(raw["sdks"]), tuple(raw["transports"])
    lines = tuple(Line(entry["name"], entry["sdk"], tuple(entry["eras"])) for entry in raw["lines"])
    _check_lines(lines, sdks)
    known = Behaviours(sdks, transports, lines, ())
    behaviours = tuple(_behaviour(entry, known) for entry in raw["behaviours"])
    refuse_duplicates("behaviour", [behaviour.id for behaviour in behaviours])
    return Behaviours(sdks, transports, lines, behaviours)


def _check_lines(lines: Iterable[Line], sdks: Iterable[str]) -> None:
    refuse_duplicates("line", [line.name for line in lines])
    for line in lines:
        refuse_unknown(f"the sdk of {line.name}", [line.sdk], sdks)
        refuse_unknown(f"the eras of {line.name}", line.eras, ERAS)


def _behaviour(entry: dict[str, Any], known: Behaviours) -> Behaviour:
    name: str = entry["id"]
    if not _ID.fullmatch(name):
        raise ContractError(f"{name!r} is no id: noun.what-it-does, in lower case")
    if entry.get("scope") == "process" and entry.keys() & {"eras", "transports"}:
        raise ContractError(f"{name}: a process has no eras and no transports")
    eras = tuple(entry.get("eras", ERAS))
    all_lines = [line.name for line in known.lines]
    spoken = [line.name for line in known.lines if set(line.eras) & set(eras)]
    given: dict[str, Any] = {
        "scope": "server",
        "status": "proven",
        **entry,
        "eras": eras,
        "transports": tuple(entry.get("transports", known.transports)),
        "lines": tuple(entry.get("lines", spoken)),
        "sdks": tuple(entry.get("sdks", known.sdks)),
        "since": {line: str(version) for line, version in entry.get("since", {}).items()},
    }
    behaviour = Behaviour(**given)
    refuse_unknown(f"the scope of {name}", [behaviour.scope], SCOPES)
    refuse_unknown(f"the status of {name}", [behaviour.status], STATUSES)
    refuse_unknown(f"the eras of {name}", behaviour.eras, ERAS)
    refuse_unknown(f"the transports of {name}", behaviour.transports, known.transports)
    refuse_unknown(f"the lines of {name}", behaviour.lines, all_lines)
    refuse_unknown(f"the sdks of {name}", behaviour.sdks, known.sdks)
    refuse_unknown(f"the lines that {name} has a first version for", behaviour.since, behaviour.lines)
    silent = sorted(set(behaviour.lines) - set(spoken))
    if silent:
        raise ContractError(f"{name}: {', '.join(silent)} speaks none of its eras")
    return behaviour


def version_order(version: str) -> list[int]:
    """What versions are sorted by."""
    return [int(part) for part in re.findall(r"\d+", version)]
