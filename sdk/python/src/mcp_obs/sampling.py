"""Which operations are kept as spans, and how many each kept one stands for. Metrics count every operation."""

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from opentelemetry.trace import SpanContext

from mcp_obs._forked_child import new_lock
from mcp_obs._guard import Guard, WrongSettingError, logger

_TRACE_ID_LIMIT = 1 << 64
_MOST_TARGETS = 1000
_OTHER = "_OTHER"
# OpenTelemetry, "TraceState: Probability Sampling": `th` is a threshold of 56 bits, without its last zeros.
_THRESHOLD = re.compile("[0-9a-f]{1,14}")
_THRESHOLD_DIGITS = 14
_THRESHOLD_LIMIT = 16**_THRESHOLD_DIGITS
# A caller may claim 2**56; the server counts no span as more than this.
_MOST_CLAIMED = 1e6

_asking = Guard("asking a sampler, so what it was asked about is kept")


class Start(NamedTuple):
    """An operation that begins: `what` is the name of its span, `parent` the span above it."""

    trace_id: int
    what: str
    parent: SpanContext | None


class End(NamedTuple):
    """An operation that is over: whether it failed, and how long it took."""

    start: Start
    is_error: bool
    seconds: float


class Sampler:
    """Says how many operations a span stands for; 0 leaves it out, with everything inside it.

    One of your own that raises, or says what is no finite number from 0 on, leaves nothing out.
    """

    decides_at_end = False
    """Whether nothing is left out before an operation has ended."""

    def at_start(self, start: Start) -> float:
        """Before anything is recorded."""
        return 1.0

    def at_end(self, end: End) -> float:
        """When all is known; asked only where `decides_at_end`."""
        return 1.0


@dataclass(frozen=True)
class AlwaysOn(Sampler):
    """Keeps every operation, which is the default."""


@dataclass(frozen=True)
class AlwaysOff(Sampler):
    """Keeps none: metrics only."""

    def at_start(self, start: Start) -> float:
        """Nothing."""
        return 0.0


@dataclass(frozen=True)
class Ratio(Sampler):
    """Keeps this share of the traces, the same ones in every process that goes by the trace id.

    Raises ValueError when `ratio` is not more than 0 and at most 1.
    """

    ratio: float

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise WrongSettingError(f"A ratio is more than 0 and at most 1, and {self.ratio!r} is not")

    def at_start(self, start: Start) -> float:
        """By the low 64 bits of the trace id, as OpenTelemetry's TraceIdRatioBased."""
        kept = start.trace_id % _TRACE_ID_LIMIT < round(self.ratio * _TRACE_ID_LIMIT)
        return 1 / self.ratio if kept else 0.0


@dataclass(frozen=True)
class ParentBased(Sampler):
    """Does as the caller did, where there is one; `root` decides on the others."""

    root: Sampler = field(default_factory=AlwaysOn)

    @property
    def decides_at_end(self) -> bool:
        """As the root does."""
        return self.root.decides_at_end

    def at_start(self, start: Start) -> float:
        """What the caller's flag says, and its trace state of how many it stands for."""
        if start.parent is None:
            return self.root.at_start(start)
        return _weight_of(start.parent) if start.parent.trace_flags.sampled else 0.0

    def at_end(self, end: End) -> float:
        """Nothing changes for what the caller has decided."""
        return self.root.at_end(end) if end.start.parent is None else self.at_start(end.start)


@dataclass(frozen=True)
class RateLimited(Sampler):
    """Keeps so many operations a second; one that is kept stands for those of its kind that were not before.

    Raises ValueError when `per_second` is not more than 0.
    """

    per_second: float
    timer: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    _bucket: "_Bucket" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.per_second > 0:
            raise WrongSettingError(f"A rate is more than 0 a second, and {self.per_second!r} is not")
        object.__setattr__(self, "_bucket", _Bucket(self.per_second, self.timer))

    def at_start(self, start: Start) -> float:
        """As long as there is something left of this second."""
        return self._bucket.take(start.what)


@dataclass(frozen=True)
class KeepErrorsAndSlow(Sampler):
    """Keeps what failed or took `slow_seconds`, and this share of all the rest.

    Raises ValueError when `ratio` is not more than 0 and at most 1.
    """

    ratio: float = 0.1
    slow_seconds: float = 1.0

    @property
    def decides_at_end(self) -> bool:
        """Only then is it known."""
        return True

    def __post_init__(self) -> None:
        Ratio(self.ratio)

    def at_end(self, end: End) -> float:
        """Each error and each slow one stands for itself."""
        if end.is_error or end.seconds >= self.slow_seconds:
            return 1.0
        return Ratio(self.ratio).at_start(end.start)


class _Bucket:
    """What is left of a rate, and what was left out since something of the kind was kept."""

    def __init__(self, per_second: float, timer: Callable[[], float]) -> None:
        self._per_second = per_second
        self._timer = timer
        self._most = self._left = max(1.0, per_second)
        self._filled_at = timer()
        self._left_out: dict[str, int] = {}
        self._taking = new_lock()

    def take(self, what: str) -> float:
        with self._taking:
            now = self._timer()
            self._left = min(self._most, self._left + (now - self._filled_at) * self._per_second)
            self._filled_at = now
            if what not in self._left_out and len(self._left_out) >= _MOST_TARGETS:
                what = _OTHER  # the names are the client's to choose
            if self._left < 1:
                self._left_out[what] = self._left_out.get(what, 0) + 1
                return 0.0
            self._left -= 1
            return 1.0 + self._left_out.pop(what, 0)


def _weight_of(parent: SpanContext) -> float:
    """How many traces the caller's stands for, where its trace state says so."""
    for member in parent.trace_state.get("ot", "").split(";"):
        key, _, digits = member.partition(":")
        if key == "th" and _THRESHOLD.fullmatch(digits):
            threshold = int(digits.ljust(_THRESHOLD_DIGITS, "0"), 16)
            return min(_THRESHOLD_LIMIT / (_THRESHOLD_LIMIT - threshold), _MOST_CLAIMED)
    return 1.0


def weight_at_start(sampler: Sampler, start: Start) -> float:
    """What a sampler says, which can be a host's own: where it fails, the operation is kept."""
    try:
        return _checked(sampler.at_start(start))
    except BaseException as error:  # noqa: BLE001  SystemExit would end the server, or the thread that exports
        _asking.swallow(error)
        return 1.0


def weight_at_end(sampler: Sampler, end: End) -> float:
    """The same, of an operation that is over."""
    try:
        return _checked(sampler.at_end(end))
    except BaseException as error:  # noqa: BLE001  SystemExit would end the server, or the thread that exports
        _asking.swallow(error)
        return 1.0


def _checked(weight: float) -> float:
    # Says itself that a text or None is no number.
    if math.isfinite(weight) and weight >= 0:
        return float(weight)
    raise ValueError(f"{weight!r} is no number of operations")


def _share(text: str) -> Sampler:
    # The SDK takes 1 for what is no number, and 0 as none.
    try:
        return AlwaysOff() if float(text) == 0 else Ratio(float(text))
    except ValueError:
        logger.warning("mcp-obs: OTEL_TRACES_SAMPLER_ARG=%r is no ratio, so every trace is kept", text)
        return AlwaysOn()


def _numbers(text: str) -> dict[str, float]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name.strip(): float(value) for name, _, value in pairs}


_NAMED: Mapping[str, Callable[[str], Sampler]] = {
    "always_on": lambda _: AlwaysOn(),
    "always_off": lambda _: AlwaysOff(),
    "ratio": lambda rest: Ratio(float(rest)),
    "parent_based": lambda rest: ParentBased(parse(rest) if rest else AlwaysOn()),
    "rate_limited": lambda rest: RateLimited(float(rest)),
    "keep_errors_and_slow": lambda rest: KeepErrorsAndSlow(**_numbers(rest)),
}
_OF_OPENTELEMETRY: Mapping[str, Callable[[str], Sampler]] = {
    "always_on": lambda _: AlwaysOn(),
    "always_off": lambda _: AlwaysOff(),
    "traceidratio": _share,
    "parentbased_always_on": lambda _: ParentBased(),
    "parentbased_always_off": lambda _: ParentBased(AlwaysOff()),
    "parentbased_traceidratio": lambda rest: ParentBased(_share(rest)),
}


def parse(text: str) -> Sampler:
    """A sampler from its name and, after a colon, its numbers: `ratio:0.1`, `parent_based:rate_limited:50`.

    Raises ValueError when there is no such sampler, or its numbers are none.
    """
    name, _, rest = text.strip().lower().partition(":")
    try:
        return _NAMED[name](rest)
    except (KeyError, ValueError, TypeError) as error:
        raise WrongSettingError(
            f"{text!r} is no sampler. There are always_on, always_off, ratio:0.1, parent_based, "
            "parent_based:ratio:0.1, rate_limited:50 and keep_errors_and_slow:ratio=0.1,slow_seconds=1"
        ) from error


def resolve(environ: Mapping[str, str], argument: Sampler | str | None) -> Sampler | None:
    """The argument, else MCP_OBS_SAMPLER, else OTEL_TRACES_SAMPLER; None keeps everything.

    Raises ValueError when the first of them is no sampler.
    """
    chosen = argument or environ.get("MCP_OBS_SAMPLER") or None
    if isinstance(chosen, str):
        return parse(chosen)
    if chosen is not None:
        return chosen
    standard = _OF_OPENTELEMETRY.get(environ.get("OTEL_TRACES_SAMPLER", "").lower())
    return standard(environ.get("OTEL_TRACES_SAMPLER_ARG", "")) if standard is not None else None


def is_foreign(environ: Mapping[str, str]) -> bool:
    """Whether OTEL_TRACES_SAMPLER decides, and names what only an entry point of the SDK knows."""
    name = environ.get("OTEL_TRACES_SAMPLER", "").lower()
    return bool(name) and name not in _OF_OPENTELEMETRY and not environ.get("MCP_OBS_SAMPLER")
