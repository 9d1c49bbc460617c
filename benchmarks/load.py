"""A load generator that is not the bottleneck: raw sockets, bodies prepared and only patched between sends."""

import os
import random
import socket
import struct
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

SPANS_PER_EXPORT = 512
_TRACE_MARK, _SPAN_MARK, _SESSION_MARK = b"\x0a\x10", b"\x12\x08", b"\x0a\x20"


class ExportTemplate:
    """An export of MCP-like spans: every `next_body` has new ids, sessions and times in the same bytearray."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._body = bytearray(self._request().SerializeToString())
        self._places = self._find_places()

    def next_body(self) -> bytearray:
        """A body that no earlier call has given."""
        ids, now = os.urandom(40 * SPANS_PER_EXPORT), time.time_ns()
        body, pack = self._body, struct.pack_into
        for index, (trace_id, span_id, start, session) in enumerate(self._places):
            at = 40 * index
            body[trace_id : trace_id + 16] = ids[at : at + 16]
            body[span_id : span_id + 8] = ids[at + 16 : at + 24]
            body[session : session + 32] = ids[at + 24 : at + 40].hex().encode()
            # Field 7 and, 9 bytes on, field 8: start and end, each a tag and 8 bytes.
            begun = now - index * 1_000_000
            pack("<QBQ", body, start, begun, 0x41, begun + int.from_bytes(ids[at : at + 4], "big") // 4)
        return self._body

    def _request(self) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = "bench"
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "mcp_obs"
        for index in range(SPANS_PER_EXPORT):
            self._fill(scope_spans.spans.add(), index)
        return request

    def _fill(self, span: Span, index: int) -> None:
        tool = f"tool{self._random.randrange(40)}"
        span.trace_id, span.span_id = b"\x01" * 16, b"\x01" * 8
        span.name, span.kind = f"tools/call {tool}", Span.SPAN_KIND_SERVER
        span.start_time_unix_nano = span.end_time_unix_nano = 1
        attributes = {
            "mcp.session.id": "s" * 32,
            "mcp.method.name": "tools/call",
            "gen_ai.tool.name": tool,
            "gen_ai.operation.name": "execute_tool",
            "mcp.protocol.version": "2025-11-25",
            "jsonrpc.request.id": str(index),
            "network.transport": "tcp",
            "network.protocol.name": "http",
            "enduser.id": f"user{self._random.randrange(5000)}",
            "mcp.client.name": "claude-code",
            "mcp.client.version": "2.1",
        }
        if index % 50 == 0:
            span.status.code = Status.STATUS_CODE_ERROR
            attributes["error.type"] = "tool_error"
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value

    def _find_places(self) -> list[tuple[int, int, int, int]]:
        places: list[tuple[int, int, int, int]] = []
        position = 0
        for _ in range(SPANS_PER_EXPORT):
            trace_id = self._body.index(_TRACE_MARK + b"\x01" * 16, position) + 2
            span_id = self._body.index(_SPAN_MARK + b"\x01" * 8, trace_id) + 2
            start = self._body.index(b"\x39" + struct.pack("<Q", 1), span_id) + 1
            session = self._body.index(_SESSION_MARK + b"s" * 32, start) + 2
            places.append((trace_id, span_id, start, session))
            position = session
        return places


def send_until(port: int, key: str, template: ExportTemplate, deadline: float) -> int:
    """Exports acknowledged with 200 on one connection until `deadline` (`time.perf_counter`)."""
    acknowledged = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.perf_counter() < deadline:
            body = template.next_body()
            head = (
                f"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
                f"content-type: application/x-protobuf\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode())
            connection.sendall(body)
            answer = connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"An export was refused: {answer[:200]!r}")
            acknowledged += 1
    return acknowledged
