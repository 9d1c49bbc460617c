"""Compares a round with what is read of it: exactly, but for percentiles, which histograms only come near."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import click

from mcp_obs_server import semconv
from mcp_obs_server.commands.canary.difference import Difference
from mcp_obs_server.commands.canary.plan import MILLISECOND, KnownSpan, Round
from mcp_obs_server.commands.canary.reading import Ids, Reading

# How many ranks a percentile may be off, how wide a bucket is, and what the API's rounding adds, in milliseconds.
_RANKS = 1
_BUCKET = 2 ** (1 / 16)
_ROUNDING = 0.0006


def differences(written: Round, reading: Reading) -> list[Difference]:
    """Everything that is not as it was written. One whole reading: about twenty requests."""
    found = quick_differences(written, reading)
    for trace_id in written.trace_ids:
        where = f"trace {trace_id}"
        found += _asked(where, partial(_of_trace, where, written.of_trace(trace_id), reading, trace_id))
    for where, (wanted, spans) in _searches(written).items():
        found += _asked(where, partial(_of_search, where, wanted, spans, reading))
    return found


def quick_differences(written: Round, reading: Reading) -> list[Difference]:
    """What the rollups and one search tell, in a few requests."""
    rollup = f"rollup of {written.target}"
    return [
        *_asked(rollup, partial(_of_overview, rollup, written, reading)),
        *_asked(rollup, partial(_of_series, rollup, written, reading)),
        *_asked("search", partial(_of_search, "search", {"target": written.target}, written.calls, reading)),
    ]


def _asked(where: str, compare: Callable[[], Iterator[Difference]]) -> list[Difference]:
    try:
        return list(compare())
    except click.ClickException as error:
        return [Difference(where, "answer", "an answer", error.message)]


def _of_overview(where: str, written: Round, reading: Reading) -> Iterator[Difference]:
    read = reading.overview(written.target)
    calls, errors = _calls_and_errors(written)
    people = {
        "active_users": semconv.ENDUSER_ID,
        "sessions": semconv.MCP_SESSION_ID,
        "clients": semconv.MCP_CLIENT_NAME,
    }
    exact = {
        "calls": calls,
        "errors": errors,
        "error_rate": errors / calls,
        **{name: len({call.attributes[key] for call in written.calls}) for name, key in people.items()},
    }
    yield from _fields(where, exact, read)
    timed = sorted(
        call.duration / MILLISECOND
        for call in written.calls
        if call.outcome in ("ok", "error")
        for _ in range(call.weight)
    )
    for name, quantile in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        low, high = _bounds(timed, quantile)
        value = read.get(name)
        if value is None or not low - _ROUNDING <= value <= high + _ROUNDING:
            yield Difference(where, name, f"{low:.3f} to {high:.3f}", str(value))


def _bounds(ordered: Sequence[float], quantile: float) -> tuple[float, float]:
    rank = quantile * (len(ordered) - 1)
    low, high = math.floor(rank) - _RANKS, math.ceil(rank) + _RANKS
    return ordered[max(low, 0)] / _BUCKET, ordered[min(high, len(ordered) - 1)] * _BUCKET


def _of_series(where: str, written: Round, reading: Reading) -> Iterator[Difference]:
    calls, errors = _calls_and_errors(written)
    points = reading.series(written.target)
    yield from _fields(where, {"calls over time": calls, "errors over time": errors}, points)


def _calls_and_errors(written: Round) -> tuple[int, int]:
    weights = Counter[bool]()
    for call in written.calls:
        weights[call.outcome == "error"] += call.weight
    return weights.total(), weights[True]


def _searches(written: Round) -> dict[str, tuple[dict[str, str], list[KnownSpan]]]:
    """Searches, each with the spans that it must find."""
    first, words = written.calls[0], written.spans[1]
    searches: dict[str, tuple[dict[str, str], list[KnownSpan]]] = {
        "search by text": ({"text": str(words.attributes["canary.word"])}, [words])
    }
    for name, key in (
        ("user_id", semconv.ENDUSER_ID),
        ("session_id", semconv.MCP_SESSION_ID),
        ("client_name", semconv.MCP_CLIENT_NAME),
    ):
        value = str(first.attributes[key])
        matching = [call for call in written.calls if call.attributes[key] == value]
        searches[f"search by {name}"] = ({"target": written.target, name: value}, matching)
    failed = [call for call in written.calls if call.outcome == "error"]
    searches["search by outcome"] = ({"target": written.target, "outcome": "error"}, failed)
    searches["search by error_type"] = (
        {"target": written.target, "error_type": semconv.ERROR_TYPE_TOOL_ERROR},
        failed,
    )
    return searches


def _of_search(
    where: str, wanted: Mapping[str, str], spans: Sequence[KnownSpan], reading: Reading
) -> Iterator[Difference]:
    ordered = sorted(spans, key=lambda span: span.key, reverse=True)
    expected: Ids = [(span.trace_id, span.span_id) for span in ordered]
    read = reading.search(wanted)
    lost_or_repeated = list(_counts(where, Counter(expected), Counter(read)))
    yield from lost_or_repeated
    if not lost_or_repeated and read != expected:
        yield Difference(where, "order", "newest first", "another")


def _counts(
    where: str, expected: Counter[tuple[str, str]], read: Counter[tuple[str, str]]
) -> Iterator[Difference]:
    for trace_id, span_id in sorted(expected.keys() | read.keys()):
        there, here = expected[trace_id, span_id], read[trace_id, span_id]
        if there != here:
            yield Difference(where, f"span {span_id} of trace {trace_id}", _times(there), _times(here))


def _times(count: int) -> str:
    return {0: "not there", 1: "once"}.get(count, f"{count} times")


def _of_trace(
    where: str, written: Sequence[KnownSpan], reading: Reading, trace_id: str
) -> Iterator[Difference]:
    read = reading.trace(trace_id)
    yield from _counts(
        where,
        Counter((trace_id, span.span_id) for span in written),
        Counter((trace_id, str(span["span_id"])) for span in read),
    )
    expected = {span.span_id: span.shown() for span in written}
    for span in read:
        if span["span_id"] in expected:
            yield from _fields(f"{where} span {span['span_id']}", expected[span["span_id"]], span)


def _fields(where: str, expected: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[Difference]:
    for name, value in expected.items():
        if read.get(name) != value:
            yield Difference(where, name, str(value), str(read.get(name)))
