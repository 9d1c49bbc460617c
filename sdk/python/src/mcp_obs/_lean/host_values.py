"""What a host sets on a span, made such that it can be written: what is wrong costs itself."""

from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes

from mcp_obs import _clock
from mcp_obs._guard import Guard

# A fixed64 (trace.proto).
_TIME_LIMIT = 1 << 64

_PLAIN = frozenset({str, int, float, bool})
_SAYING = (StatusCode.OK, StatusCode.ERROR)

_keeping = Guard("keeping what was set on a span", of_host=True)


def as_text(name: object) -> str:
    """What something is called; what is no text becomes one, or none where it has none."""
    if isinstance(name, str):
        return name
    with _keeping:
        return "" if name is None else str(name)
    return ""


def time_of(given: float | None) -> int:
    """When something was; now, where that is no time."""
    if given is not None:
        with _keeping:
            time = int(given)
            if not 0 <= time < _TIME_LIMIT:
                raise ValueError(f"{given!r} is not in nanoseconds since 1970")
            return time
    return _clock.time_ns()


def kind_of(given: object) -> SpanKind:
    """Its kind; that of what is inside a process, where that is none."""
    return given if isinstance(given, SpanKind) else SpanKind.INTERNAL


def status_of(given: object, description: str | None) -> Status | None:
    """How it ended; None where that is no status, or says nothing."""
    status = Status(given, description) if isinstance(given, StatusCode) else given
    return status if isinstance(status, Status) and status.status_code in _SAYING else None


def kept(attributes: Attributes) -> dict[str, Any]:
    """A copy of attributes that can be kept."""
    copy: dict[str, Any] = {}
    try:
        for key, value in attributes.items() if attributes is not None else ():
            # Most are so, and a call takes as long as three of them.
            if type(key) is str and type(value) in _PLAIN and key:
                copy[key] = value
            else:
                keep(copy, key, value)
    except BaseException as error:  # noqa: BLE001  anything can come out of what is no mapping
        _keeping.swallow(error)
    return copy


def keep(attributes: dict[str, Any], key: object, value: object) -> None:
    """Add one, unless it can't be kept or has no name, which the OpenTelemetry SDK leaves out too."""
    try:
        name = key if type(key) is str else as_text(key)
        if name:
            attributes[name] = _copy(value)
    except BaseException as error:  # noqa: BLE001  anything can come out of a host's value
        _keeping.swallow(error)


def _copy(value: Any) -> Any:
    """A copy of what the host may go on to change."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[Any, Any]", value))
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value
