"""Requests that no exporter sends, byte by byte on a socket: nothing behind them is read as a request of somebody's."""

import asyncio
from pathlib import Path

import pytest

from grpc_client import begin, call, channel
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.store import TelemetryStore
from otlp_door import KEY, Door, open_door
from otlp_exports import export
from routes import api_routes

BODY = export(1).SerializeToString()
LATER = export(1, seed=2).SerializeToString()
SECONDS = 60


def request(*headers: str, path: str = "/v1/traces", key: str | None = KEY, body: bytes = b"") -> bytes:
    """The bytes of a POST with these headers beside the usual ones."""
    lines = [f"POST {path} HTTP/1.1", "host: x", "content-type: application/x-protobuf", *headers]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def whole(body: bytes) -> bytes:
    """A request as it should be."""
    return request(f"content-length: {len(body)}", body=body)


async def answers(door: Door, *sent: bytes) -> list[int]:
    """The HTTP statuses of all that the server answers until it closes the connection, or to the last request."""
    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in sent:
        writer.write(piece)
    async with asyncio.timeout(SECONDS):
        received = await reader.read()
    writer.close()
    return [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


SMUGGLED = whole(LATER)
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize(
    "ambiguous",
    [
        request("content-length: 5", "transfer-encoding: chunked", body=CHUNKED),
        request("transfer-encoding: chunked", f"content-length: {len(CHUNKED)}", body=CHUNKED),
        request("content-length: 5", "content-length: 6", body=b"123456"),
        request("content-length: 5, 6", body=b"123456"),
        request("content-length: -1", body=BODY),
        request("content-length: +5", body=b"12345"),
        request("content-length: 0x5", body=b"12345"),
        request("content-length: 99999999999999999999", body=BODY),
        request("transfer-encoding: xchunked", body=CHUNKED),
        request("transfer-encoding: chunked, identity", body=CHUNKED),
        request("transfer-encoding: chunked", "transfer-encoding: identity", body=CHUNKED),
        request("transfer-encoding : chunked", body=CHUNKED),
        request("transfer-encoding: chunked", body=b"-5\r\n12345\r\n0\r\n\r\n"),
        request("transfer-encoding: chunked", body=b"fffffffffffffffff\r\n" + BODY),
        request("x: a\0b", "content-length: 0"),
        request("x: a\rcontent-length: 3", body=b"abc"),
    ],
)
async def test_a_request_whose_end_is_not_clear_is_refused_and_nothing_after_it_is_read(
    door: Door, ambiguous: bytes
) -> None:
    assert await answers(door, ambiguous + SMUGGLED) == [400]
    assert await door.spans() == []


async def test_requests_sent_without_waiting_are_answered_one_by_one_in_order(door: Door) -> None:
    last = request("connection: close", "content-length: 2", body=b"\xff\xff")
    assert await answers(door, whole(BODY) + whole(LATER) + last) == [200, 200, 400]
    assert len(await door.spans("name")) == 2


async def test_what_follows_a_body_that_was_not_worth_reading_is_not_read(door: Door) -> None:
    strangers = request("content-length: 400", key="wrong", body=SMUGGLED)
    assert await answers(door, strangers) == [401]
    assert await door.spans() == []


async def test_chunks_that_never_end_are_cut_off(tmp_path: Path, store: TelemetryStore, org_id: int) -> None:
    async with open_door(tmp_path, store, org_id, body_seconds=0.3) as door:
        assert await answers(door, request("transfer-encoding: chunked", body=b"1\r\nx\r\n")) == [408]
        # A byte now and then is no progress.
        assert await answers(door, request("content-length: 100", body=b"x" * 99)) == [408]


@pytest.mark.parametrize("key", [None, "", "wrong"])
async def test_every_path_under_v1_asks_for_a_key_before_the_body_is_there(
    door: Door, key: str | None
) -> None:
    paths = [f"/v1/{signal.name}" for signal in door.receiver.signals]
    assert sorted(paths) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert not [route for route in api_routes() if route.path.startswith("/v1")]
    for path in paths:
        # Of the body that the header promises nothing is sent.
        assert await answers(door, request("content-length: 50000", path=path, key=key)) == [401]


async def test_every_grpc_method_asks_for_a_key_before_the_message_is_there(door: Door) -> None:
    for signal in SIGNALS:
        async with channel(door.grpc_address) as opened:
            refused = begin(opened, authorized=False, signal=signal)
            assert (await refused.code()).name == "UNAUTHENTICATED"


async def test_half_a_connection_harms_nobody(door: Door) -> None:
    host, port = door.url.removeprefix("http://").split(":")
    for address in ((host, int(port)), ("127.0.0.1", door.listener.port)):
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"PRI * HTTP/2.0\r\n\r\n")
        writer.transport.abort()
    assert await answers(door, request("connection: close", f"content-length: {len(BODY)}", body=BODY)) == [
        200
    ]
    assert await call(door.grpc_address, LATER) == b""
    assert len(await door.spans("name")) == 2
