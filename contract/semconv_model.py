"""The contract as typed values, checked while it is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LEVELS = ("required", "conditional", "recommended", "opt_in")
TYPES = ("string", "int", "double", "boolean", "any", "string[]", "template[string]")
RECORDED_BY_THE_SDKS = ("mcp", "session_manager", "process", "exporter")
SENDERS = (*RECORDED_BY_THE_SDKS, "claude_code")
CATEGORIES = ("session", "performance", "usage")
INSTRUMENTS = ("counter", "updowncounter", "gauge", "histogram")


class ContractError(Exception):
    """The contract contradicts itself; the message names the entry."""


@dataclass(frozen=True)
class Values:
    """The known values of an attribute; an open set admits others."""

    type: str
    members: dict[str, str]
    open: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the spans table."""

    name: str
    type: str


@dataclass(frozen=True)
class Attribute:
    """One span attribute."""

    name: str
    type: str
    level: str
    spans: tuple[str, ...]
    brief: str
    when: str | None = None
    unit: str | None = None
    values: Values | None = None
    column: Column | None = None


@dataclass(frozen=True)
class Metric:
    """One instrument and the attributes on its points."""

    name: str
    sender: str
    category: str
    instrument: str
    unit: str
    brief: str
    attributes: tuple[str, ...]
    opt_in: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = ()

    @property
    def is_observed(self) -> bool:
        """Whether it is read whole, each time it is exported."""
        return self.sender in {"process", "exporter"} and self.instrument != "histogram"


@dataclass(frozen=True)
class Event:
    """One event and the attributes of its log record."""

    name: str
    sender: str
    brief: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class OtherAttribute:
    """An attribute that metrics and events carry and MCP spans don't."""

    name: str
    type: str
    brief: str
    unit: str | None = None
    standard: str | None = None


@dataclass(frozen=True)
class LogColumn:
    """A column of the logs table and where its value may stand, the surest place first."""

    name: str
    type: str
    attributes: tuple[str, ...]
    field: str | None = None


@dataclass(frozen=True)
class Method:
    """One well-known value of mcp.method.name."""

    name: str
    kind: str
    since: str
    until: str | None = None
    call: bool = False
    long_lived: bool = False


@dataclass(frozen=True)
class Contract:
    """Everything in semconv.yaml."""

    attributes: tuple[Attribute, ...]
    metrics: tuple[Metric, ...]
    events: tuple[Event, ...]
    other_attributes: tuple[OtherAttribute, ...]
    log_columns: tuple[LogColumn, ...]
    methods: tuple[Method, ...]
    duration_boundaries: tuple[float, ...]
    other_method: str
    protocol_revisions: tuple[str, ...]
    client_fault_codes: dict[int, str]
    failure_codes: dict[int, str]

    @property
    def promoted(self) -> list[tuple[Attribute, Column]]:
        """The attributes that are columns of their own."""
        return [(attribute, attribute.column) for attribute in self.attributes if attribute.column]

    @property
    def recorded(self) -> list[Metric]:
        """The metrics that the SDKs record themselves."""
        return [metric for metric in self.metrics if metric.sender in RECORDED_BY_THE_SDKS]

    @property
    def metric_attributes(self) -> list[OtherAttribute]:
        """The attributes that stand on no span and on metrics that the SDKs record."""
        used = {name for metric in self.recorded for name in metric.attributes}
        return [other for other in self.other_attributes if other.name in used]

    def methods_where(self, flag: str) -> list[str]:
        """Names of the methods that have `flag` set, sorted."""
        return sorted(method.name for method in self.methods if getattr(method, flag))


def load(path: Path) -> Contract:
    """Read and check the contract; raises ContractError."""
    try:
        contract = _build(yaml.safe_load(path.read_text()))
    except (TypeError, KeyError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} is malformed: {error}") from error
    _check(contract)
    return contract


def _build(raw: dict[str, Any]) -> Contract:
    return Contract(
        attributes=tuple(_attribute(entry) for entry in raw["attributes"]),
        metrics=tuple(_metric(entry) for entry in raw["metrics"]),
        events=tuple(Event(**_with_tuples(entry, "attributes")) for entry in raw["events"]),
        other_attributes=tuple(OtherAttribute(**entry) for entry in raw["other_attributes"]),
        log_columns=tuple(LogColumn(**_with_tuples(entry, "attributes")) for entry in raw["log_columns"]),
        methods=tuple(_method(entry) for entry in raw["methods"]),
        duration_boundaries=tuple(float(boundary) for boundary in raw["duration_boundaries"]),
        other_method=raw["other_method"],
        protocol_revisions=tuple(raw["protocol_revisions"]),
        client_fault_codes={entry["code"]: entry["name"] for entry in raw["client_fault_codes"]},
        failure_codes={entry["code"]: entry["name"] for entry in raw["failure_codes"]},
    )


def _attribute(entry: dict[str, Any]) -> Attribute:
    values, column = entry.get("values"), entry.get("column")
    typed: dict[str, Any] = {
        "spans": tuple(entry["spans"]),
        "values": Values(**values) if values else None,
        "column": Column(**column) if column else None,
    }
    return Attribute(**{**entry, **typed})


def _metric(entry: dict[str, Any]) -> Metric:
    lists = _with_tuples(entry, "attributes", "opt_in")
    lists["boundaries"] = tuple(float(boundary) for boundary in entry.get("boundaries", ()))
    return Metric(**lists)


def _with_tuples(entry: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {**entry, **{key: tuple(entry.get(key, ())) for key in keys}}


def _method(entry: dict[str, Any]) -> Method:
    # YAML reads a bare protocol revision as a date.
    revisions: dict[str, Any] = {key: str(entry[key]) for key in ("since", "until") if key in entry}
    return Method(**{**entry, **revisions})


def _check(contract: Contract) -> None:
    _check_names(contract)
    for attribute in contract.attributes:
        refuse_unknown(f"the level of {attribute.name}", [attribute.level], LEVELS)
        refuse_unknown(f"the type of {attribute.name}", [attribute.type], TYPES)
        refuse_unknown(f"the spans of {attribute.name}", attribute.spans, ("client", "server"))
        if (attribute.level == "conditional") != (attribute.when is not None):
            raise ContractError(
                f"{attribute.name}: `when` belongs to a conditional attribute, and to no other"
            )
    for other in contract.other_attributes:
        refuse_unknown(f"the type of {other.name}", [other.type], TYPES)
        refuse_unknown(f"the sender of {other.name}", [other.standard] if other.standard else [], SENDERS)
    for metric in contract.metrics:
        refuse_unknown(f"the sender of {metric.name}", [metric.sender], SENDERS)
        refuse_unknown(f"the category of {metric.name}", [metric.category], CATEGORIES)
        refuse_unknown(f"the instrument of {metric.name}", [metric.instrument], INSTRUMENTS)
    known = [revision for method in contract.methods for revision in (method.since, method.until) if revision]
    refuse_unknown("a revision of the methods", known, contract.protocol_revisions)
    for event in contract.events:
        refuse_unknown(f"the sender of {event.name}", [event.sender], SENDERS)
    for method in contract.methods:
        refuse_unknown(f"the kind of {method.name}", [method.kind], ("request", "notification"))


def _check_names(contract: Contract) -> None:
    attributes = [attribute.name for attribute in (*contract.attributes, *contract.other_attributes)]
    refuse_duplicates("attribute", attributes)
    refuse_duplicates("metric", (metric.name for metric in contract.metrics))
    refuse_duplicates("event", (event.name for event in contract.events))
    refuse_duplicates("method", (method.name for method in contract.methods))
    refuse_duplicates("column", (column.name for _, column in contract.promoted))
    refuse_duplicates("column of logs", (column.name for column in contract.log_columns))
    for entry in (*contract.metrics, *contract.events, *contract.log_columns):
        opt_in = entry.opt_in if isinstance(entry, Metric) else ()
        refuse_unknown(f"the attributes of {entry.name}", (*entry.attributes, *opt_in), attributes)


def refuse_duplicates(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ContractError(f"{what} {name!r} is defined twice")
        seen.add(name)


def refuse_unknown(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ContractError(f"{what}: {', '.join(unknown)} is not known")
