"""Export bodies prepared beforehand and patched between sends: new ids, sessions and times in a few array assignments.

Spans of one group have the same length on the wire, so one field of all of them is one strided array.
"""

import random
import struct
import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.ids import SpanIds, Words

_TRACE_ID, _SPAN_ID, _SESSION = b"\x01" * 16, b"\x02" * 8, b"s" * 32
# A tag and its value; the end, field 8, follows the start, field 7.
_START = struct.pack("<BQB", 0x39, 1, 0x41)
_TOOLS, _USERS, _ERRORS = 40, 5000, 0.02
# Spans end within a second of their start.
_DURATION_MASK = np.uint64(2**29 - 1)
_MILLISECOND = 1_000_000


class Group(NamedTuple):
    """Spans that lie at equal distances: how many, and where the first one's fields are."""

    spans: int
    distance: int
    trace_id: int
    span_id: int
    start: int
    end: int
    session: int

    @property
    def last_session(self) -> int:
        """Where the last span's session is; the next group is behind it."""
        return self.session + (self.spans - 1) * self.distance


class ExportTemplate:
    """An export of MCP-like spans, tool calls of which one in fifty fails. Of `spans` spans, different by `seed`."""

    def __init__(self, seed: int, spans: int) -> None:
        self.spans = spans
        made = _Spans(random.Random(seed), spans)
        self.wire = made.request.SerializeToString()
        self.groups: list[Group] = []
        for count in made.group_sizes:
            self.groups.append(
                _find_group(self.wire, count, self.groups[-1].last_session if self.groups else 0)
            )


class ExportBody:
    """One sender's copy of a template. `renew` patches it in place, so send one before the next."""

    def __init__(self, template: ExportTemplate, ids: SpanIds) -> None:
        self.wire = bytearray(template.wire)
        self._ids = ids
        self._fields: list[_Fields] = []
        first = 0
        for group in template.groups:
            self._fields.append(_Fields(self.wire, group, slice(first, first + group.spans)))
            first += group.spans

    def renew(self, export: int, age: float = 0.0) -> None:
        """Make it the export of that number, sent now or `age` seconds ago."""
        ids = self._ids.of_export(export)
        now = time.time_ns() - int(age * 1e9)
        for fields in self._fields:
            fields.write(ids, now)


class _Fields:
    """One group's fields, each an array over the body's own memory."""

    def __init__(self, wire: bytearray, group: Group, part: slice) -> None:
        self._part = part
        self._span_id = _words(wire, group, group.span_id, 1)
        self._trace_id = _words(wire, group, group.trace_id, 2)
        self._start = _words(wire, group, group.start, 1)
        self._end = _words(wire, group, group.end, 1)
        self._session = _words(wire, group, group.session, 4)
        self._ages = np.arange(group.spans, dtype=np.uint64).reshape(-1, 1) * np.uint64(_MILLISECOND)

    def write(self, ids: Words, now: int) -> None:
        mine = ids[:, self._part]
        span_ids = mine[0].reshape(-1, 1)
        trace_ids = mine[1:].T
        starts = np.uint64(now) - self._ages
        self._span_id[:] = span_ids
        self._trace_id[:] = trace_ids
        self._start[:] = starts
        self._end[:] = starts + (span_ids & _DURATION_MASK)
        self._session[:] = np.frombuffer(trace_ids.tobytes().hex().encode(), np.uint64).reshape(-1, 4)


def _words(wire: bytearray, group: Group, offset: int, width: int) -> Words:
    words: npt.NDArray[np.uint64] = np.ndarray(
        (group.spans, width), np.dtype("<u8"), wire, offset, (group.distance, 8)
    )
    return words


class _Spans:
    """The request behind a template, its spans sorted into groups of one length."""

    def __init__(self, choose: random.Random, spans: int) -> None:
        self.request = ExportTraceServiceRequest()
        resource_spans = self.request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = "bench"
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "mcp_obs"
        failures = sum(choose.random() < _ERRORS for _ in range(spans))
        self.group_sizes = [size for size in (spans - failures, failures) if size]
        for index in range(spans):
            _fill(scope_spans.spans.add(), index, choose, is_failure=index >= spans - failures)


def _fill(span: Span, index: int, choose: random.Random, is_failure: bool) -> None:
    # Numbers keep their leading zeros: lengths must not differ.
    tool = f"tool{choose.randrange(_TOOLS):02}"
    span.trace_id, span.span_id = _TRACE_ID, _SPAN_ID
    span.name, span.kind = f"tools/call {tool}", Span.SPAN_KIND_SERVER
    span.start_time_unix_nano = span.end_time_unix_nano = 1
    attributes = {
        "mcp.session.id": _SESSION.decode(),
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": tool,
        "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": "2025-11-25",
        "jsonrpc.request.id": f"{index:03}",
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "enduser.id": f"user{choose.randrange(_USERS):04}",
        "mcp.client.name": "claude-code",
        "mcp.client.version": "2.1",
    }
    if is_failure:
        span.status.code = Status.STATUS_CODE_ERROR
        attributes["error.type"] = "tool_error"
    for key, value in attributes.items():
        span.attributes.add(key=key).value.string_value = value


def _find_group(wire: bytes, spans: int, after: int) -> Group:
    trace_id = wire.index(_TRACE_ID, after)
    start = wire.index(_START, trace_id) + 1
    group = Group(
        spans=spans,
        distance=wire.index(_TRACE_ID, start) - trace_id if spans > 1 else len(wire),
        trace_id=trace_id,
        span_id=wire.index(_SPAN_ID, trace_id),
        start=start,
        end=start + 9,
        session=wire.index(_SESSION, start),
    )
    if wire[group.last_session :][: len(_SESSION)] != _SESSION:
        raise ValueError("The spans of one group differ in length.")
    return group
