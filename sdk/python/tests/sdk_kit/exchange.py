"""One recorded MCP conversation and the telemetry that it gives; see contract/exchanges/README.md."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from behaviours_model import ERAS, load, version_order
from proofs_model import Proofs
from semconv_model import ContractError, refuse_unknown

from .lines import Line
from .proofs import SDK, installed_versions, place_of

FOLDER = Path(__file__).parents[4] / "contract" / "exchanges"
PLACEHOLDERS = {"<any>", "<int>"}
"""Of the README's those that stand for more than one value."""
SERVERS = ("high-level", "low-level", "guarded")
_BEHAVIOURS = load()
_INSTALLED = Proofs(SDK, installed_versions(), (), {}).installed


@dataclass
class Exchange:
    """`messages`, `spans` and `metrics` are as in the file."""

    name: str
    says: str
    proves: list[str]
    era: str
    transport: str
    server: str
    messages: list[dict[str, Any]]
    lines: list[str] | None = None
    since: dict[str, str] | None = None
    absent: list[str] | None = None
    spans: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])

    def __str__(self) -> str:
        return self.name

    def concerns(self, line: Line) -> bool:
        """Whether a line of the kit speaks the era and is among the libraries and versions that answer so."""
        library, era = place_of(line)
        if library.startswith("fastmcp") and self.server == "low-level":
            return False
        if era != self.era or (self.lines is not None and library not in self.lines):
            return False
        first = (self.since or {}).get(library, "0")
        return version_order(_INSTALLED[library]) >= version_order(first) and all(
            library in _BEHAVIOURS.find(name).concerned(_INSTALLED) for name in self.proves
        )

    def write(self, folder: Path = FOLDER) -> None:
        """Write the file."""
        raw = {key: value for key, value in vars(self).items() if key != "name" and value is not None}
        (folder / f"{self.name}.json").write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> Exchange:
    """One file; raises ContractError for what is not known, TypeError for a field that no exchange has."""
    exchange = Exchange(name=path.stem, **json.loads(path.read_text()))
    refuse_unknown(
        f"the behaviours of {path.name}", exchange.proves, [one.id for one in _BEHAVIOURS.behaviours]
    )
    refuse_unknown(f"the lines of {path.name}", exchange.lines or [], [one.name for one in _BEHAVIOURS.lines])
    refuse_unknown(
        f"the lines that {path.name} has a first version for",
        exchange.since or {},
        [one.name for one in _BEHAVIOURS.lines],
    )
    refuse_unknown(f"the era of {path.name}", [exchange.era], ERAS)
    refuse_unknown(f"the transport of {path.name}", [exchange.transport], ["in-memory", "http"])
    refuse_unknown(f"the server of {path.name}", [exchange.server], SERVERS)
    if not any(one["from"] == "client" for one in exchange.messages):
        raise ContractError(f"{path.name}: no message of the client")
    names = [span["name"] for span in exchange.spans]
    parents = [span["parent"]["name"] for span in exchange.spans if "name" in (span["parent"] or {})]
    if any(names.count(parent) != 1 for parent in parents):
        raise ContractError(f"{path.name}: the name of a parent is not that of exactly one span")
    return exchange


def read_all() -> list[Exchange]:
    """Every file."""
    return [read(path) for path in sorted(FOLDER.glob("*.json"))]


def filled_in(value: Any, known: dict[str, Any]) -> Any:
    """The value, with what is known in the place of its placeholders."""
    if isinstance(value, dict):
        return {key: filled_in(one, known) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [filled_in(one, known) for one in cast("list[Any]", value)]
    return known.get(value, value) if isinstance(value, str) else value


def matches(expected: Any, actual: Any, *, whole: bool = True) -> bool:
    """Whether `actual` is as expected; unless `whole`, an object may have more than that."""
    if isinstance(expected, str) and expected in PLACEHOLDERS:
        return actual is not None if expected == "<any>" else type(actual) is int
    if isinstance(expected, dict) and isinstance(actual, dict):
        wanted, found = cast("dict[str, Any]", expected), cast("dict[str, Any]", actual)
        is_complete = wanted.keys() == found.keys() if whole else wanted.keys() <= found.keys()
        return is_complete and all(matches(value, found[key], whole=whole) for key, value in wanted.items())
    if isinstance(expected, list) and isinstance(actual, list):
        ones, others = cast("list[Any]", expected), cast("list[Any]", actual)
        return len(ones) == len(others) and all(
            matches(one, other, whole=whole) for one, other in zip(ones, others, strict=True)
        )
    # Only Python takes True for 1.
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def matches_metrics(
    expected: dict[str, list[dict[str, Any]]], actual: dict[str, list[dict[str, Any]]]
) -> bool:
    """Whether they are the same metrics, and every one has its points, in any order."""
    return expected.keys() == actual.keys() and all(
        matches_points(points, actual[name]) for name, points in expected.items()
    )


def matches_points(expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> bool:
    """Whether each expected point has one of its own, and none is left."""
    if not expected:
        return not actual
    first, *others = expected
    # One with placeholders matches several, of which another may need one: all are tried.
    return any(
        matches(first, point) and matches_points(others, actual[:place] + actual[place + 1 :])
        for place, point in enumerate(actual)
    )
