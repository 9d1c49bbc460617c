"""What a connection has to keep to when its exports are answered without ASGI, byte by byte on a socket."""

import asyncio
import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from mcp_obs_server.http_exchange import Exchange
from mcp_obs_server.http_protocol import BoundedProtocol
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, Tenant, open_door
from otlp_exports import export
from waiting import until

BODY = export(1).SerializeToString()
LATER = export(1, seed=2).SerializeToString()
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
SECONDS = 60

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def head(*headers: str, line: str = "POST /v1/traces HTTP/1.1", key: str = KEY) -> bytes:
    lines = [
        line,
        "host: x",
        "content-type: application/x-protobuf",
        f"authorization: Bearer {key}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: bytes, *headers: str, line: str = "POST /v1/traces HTTP/1.1") -> bytes:
    return head(f"content-length: {len(body)}", *headers, line=line) + body


@asynccontextmanager
async def connected(door: Door) -> AsyncGenerator[Streams]:
    host, port = door.url.removeprefix("http://").split(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer_head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def statuses(door: Door, *sent: bytes) -> list[int]:
    """The statuses of all answers until the server closes the connection, whose bodies are empty or one line."""
    async with connected(door) as (reader, writer):
        writer.writelines(sent)
        received = await reader.read()
    return [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


async def test_exports_and_other_requests_on_one_connection_are_answered_in_their_order(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    others = PlainTextResponse("not here\r\n", 404)
    other = b"GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n"
    last = other.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with open_door(tmp_path, store, org_id, others=others) as door:
        assert await statuses(door, other, whole(BODY), other, other, whole(LATER), whole(BODY), last) == [
            404,
            200,
            404,
            404,
            200,
            200,
            404,
        ]
        assert len(await door.spans("name")) == 2


@pytest.mark.parametrize(
    "target", ["/v1/%74races", "/%761/traces", "/v1/traces?a=1", "http://x/v1/traces", "/v1/traces#a"]
)
async def test_a_path_may_be_written_in_any_way_and_leads_to_the_same_door(door: Door, target: str) -> None:
    request = whole(BODY, "connection: close", line=f"POST {target} HTTP/1.1")
    assert await statuses(door, request) == [200]
    assert len(await door.spans("name")) == 1


async def test_a_client_that_asks_first_is_told_to_go_on_only_when_its_key_is_good(door: Door) -> None:
    expecting = ("expect: 100-continue", f"content-length: {len(BODY)}")
    async with connected(door) as (reader, writer):
        writer.write(head(*expecting))
        assert await answer_head(reader) == "HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await answer_head(reader)).startswith("HTTP/1.1 200 OK\r\n")
    async with connected(door) as (reader, writer):
        writer.write(head(*expecting, key="wrong"))
        assert (await answer_head(reader)).startswith("HTTP/1.1 401 ")


async def test_head_is_answered_without_a_body_and_the_connection_goes_on(door: Door) -> None:
    asked = head(line="HEAD /v1/traces HTTP/1.1")
    async with connected(door) as (reader, writer):
        writer.write(asked + whole(BODY))
        refused = await answer_head(reader)
        assert refused.startswith("HTTP/1.1 405 ")
        assert "content-length: 0" not in refused
        assert (await answer_head(reader)).startswith("HTTP/1.1 200 ")


async def test_a_preflight_has_no_content_and_no_length_of_it(door: Door) -> None:
    asked = b"OPTIONS /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with connected(door) as (reader, writer):
        writer.write(asked)
        answered = await reader.read()
    assert answered.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in answered
    assert answered.endswith(b"connection: close\r\n\r\n")


async def test_an_export_in_small_pieces_is_put_together(door: Door) -> None:
    sent = whole(BODY) + head("transfer-encoding: chunked") + CHUNKS + b"\r\n"
    sent += whole(gzip.compress(LATER), "content-encoding: gzip", "connection: close")
    async with connected(door) as (reader, writer):
        for start in range(0, len(sent), 11):
            writer.write(sent[start : start + 11])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.read()).count(b"HTTP/1.1 200 OK\r\n") == 3
    assert len(await door.spans("name")) == 2


async def test_http_1_0_gets_one_answer_and_the_end(door: Door) -> None:
    old = "POST /v1/traces HTTP/1.0"
    assert await statuses(door, whole(BODY, line=old), whole(LATER, line=old)) == [200]


async def test_what_follows_a_body_in_chunks_changes_nothing(door: Door) -> None:
    chunked = head("transfer-encoding: chunked") + CHUNKS + b"authorization: Bearer wrong\r\n\r\n"
    assert await statuses(door, chunked, chunked, whole(LATER, "connection: close")) == [200, 200, 200]
    assert len(await door.spans("name")) == 2


async def test_headers_without_an_end_are_refused(door: Door) -> None:
    filler = [b"x-%06d: %b\r\n" % (number, b"y" * 2000) for number in range(1000)]
    async with connected(door) as (reader, writer):
        writer.write(head()[:-2])
        writer.writelines(filler)
        refused = await reader.readline()
    assert refused.startswith(b"HTTP/1.1 431 ")


async def test_a_head_behind_a_large_body_in_the_same_piece_is_not_taken_for_a_long_one(door: Door) -> None:
    large = export(1, attributes={"x": "y" * 90_000}).SerializeToString()
    async with connected(door) as (reader, writer):
        for _ in range(4):
            writer.write(whole(large) + head()[:30])
            assert (await answer_head(reader)).startswith("HTTP/1.1 200 ")
            writer.write(head("content-length: 0")[30:])
            assert (await answer_head(reader)).startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent", [head("content-length: 900") + b"x" * 400, head("transfer-encoding: chunked")]
)
async def test_a_client_that_hangs_up_in_its_body_leaves_nothing_held(door: Door, sent: bytes) -> None:
    async with connected(door) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == b""

    async def is_everything_given_back() -> bool:
        return not door.in_flight.held and not door.server.server_state.tasks

    await until(is_everything_given_back)
    assert door.rejections.totals() == {}


async def test_an_export_under_way_is_answered_when_the_server_stops_and_is_the_last(door: Door) -> None:
    async with connected(door) as (reader, writer):
        writer.write(head("expect: 100-continue", f"content-length: {len(BODY)}"))
        assert "100 Continue" in await answer_head(reader)
        door.server.should_exit = True

        async def is_told() -> bool:
            return not any(server.is_serving() for server in door.server.servers)

        await until(is_told)
        writer.write(BODY)
        answered = await reader.read()
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answered
    assert len(await door.spans("name")) == 1


async def test_while_nobody_reads_a_body_its_sender_has_to_wait(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    size = 4 * 2**20
    may_be_checked, waits = asyncio.Event(), asyncio.Event()
    most = 0

    class Hesitant(Receiver):
        async def authenticate(self, authorization: str, signal: Signal) -> Tenant:
            await may_be_checked.wait()
            return Tenant(org_id)

    class Watched(BoundedProtocol):
        def on_body(self, body: bytes) -> None:
            nonlocal most
            super().on_body(body)
            assert isinstance(self.cycle, Exchange)
            most = max(most, self.cycle.incoming.unread_bytes)
            if self.flow.read_paused or most == size:
                waits.set()

    async with (
        open_door(tmp_path, store, org_id, receiver_type=Hesitant, protocol=Watched) as door,
        connected(door) as (reader, writer),
    ):
        writer.write(head(f"content-length: {size}") + bytes(size))
        await waits.wait()
        may_be_checked.set()
        assert (await answer_head(reader)).startswith("HTTP/1.1 413 ")
    assert most < HIGH_WATER_LIMIT + 2**18
