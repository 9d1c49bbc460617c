"""What a client can leave half done comes to an end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_obs_server.http_protocol import BoundedProtocol
from mcp_obs_server.kit.refused_requests import RefusedBecause, RefusedRequests
from serving import serving

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"
# More than the kernel takes for a client that reads nothing.
LARGE = 64 * 2**20


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The body back; more than anybody waits for at /large; an answer without having read at /unread."""
    request = Request(scope, receive)
    response: Response
    if request.url.path == "/large":
        response = StreamingResponse(iter([b"x" * 2**16] * (LARGE // 2**16)))
    elif request.url.path == "/unread":
        response = PlainTextResponse("none")
    else:
        response = PlainTextResponse(await request.body())
    await response(scope, receive, send)


class Patient(BoundedProtocol):
    """Never in a hurry."""

    head_seconds = request_seconds = answer_seconds = 60


class Hasty(BoundedProtocol):
    """In a hurry everywhere."""

    head_seconds, request_seconds, answer_seconds = 0.02, 0.04, 0.02


class Narrow(Patient):
    """Lets few requests wait."""

    max_pipelined = 8


class Unused(Patient):
    """In a hurry between requests."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.timeout_keep_alive = 0.1


@asynccontextmanager
async def connected(protocol: type[BoundedProtocol], sent: bytes = b"") -> AsyncGenerator[Streams]:
    """A client's connection. What was `sent` is there before the server looks, so no hurry is shorter than its way."""
    async with serving(echo, protocol) as url, asyncio.timeout(60):
        host, port = url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(sent)
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answered(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return await reader.readexactly(4)


@pytest.mark.parametrize(
    "sent",
    [b"", b"P", b"POST / HTTP/1.1\r\nhost: x\r\n", HEAD, HEAD + b"ab"],
    ids=["nothing", "a letter", "half the headers", "headers alone", "half the body"],
)
async def test_a_request_that_is_never_finished_ends_with_its_connection(sent: bytes) -> None:
    async with connected(Hasty, sent) as (reader, _):
        assert await reader.read() == b""


async def test_a_later_request_on_a_connection_has_an_end_too() -> None:
    async with connected(Hasty, HEAD + b"once" + b"POST / HTTP/1.1\r\n") as (reader, _):
        assert await answered(reader) == b"once"
        assert await reader.read() == b""


async def test_an_answer_given_before_the_body_came_does_not_keep_the_connection() -> None:
    async with connected(Hasty, HEAD.replace(b"/", b"/unread", 1) + b"ab") as (reader, _):
        assert await answered(reader) == b"none"
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("sent", "later"),
    [(HEAD + b"once", b"\r\n"), (HEAD.replace(b"/", b"/unread", 1), b"late")],
    ids=["an empty line", "a body that nobody waits for any more"],
)
async def test_bytes_between_two_requests_do_not_keep_the_connection(sent: bytes, later: bytes) -> None:
    async with connected(Unused, sent) as (reader, writer):
        await answered(reader)
        writer.write(later)
        assert await reader.read() == b""


async def test_of_requests_that_come_at_once_few_wait_and_too_many_end_the_connection() -> None:
    longest = 0
    is_reading: list[bool] = []

    class Watched(Narrow):
        def on_headers_complete(self) -> None:
            nonlocal longest
            super().on_headers_complete()
            longest = max(longest, len(self.pipeline))

        def on_response_complete(self) -> None:
            super().on_response_complete()
            is_reading.append(bool(self.pipeline) and not self.flow.read_paused)

    async with connected(Watched, (HEAD + b"many") * 9) as (reader, _):
        assert [await answered(reader) for _ in range(9)] == [b"many"] * 9
    assert not any(is_reading)
    async with connected(Watched, (HEAD + b"many") * 1000) as (reader, _):
        received = b""
        with contextlib.suppress(ConnectionResetError):
            received = await reader.read()
    assert received.count(b"many") < 1000
    assert longest == 8


async def test_headers_beyond_number_are_refused_and_what_is_behind_them_is_not_read() -> None:
    head = b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 10_000 + b"\r\n"
    async with connected(Patient, head + HEAD + b"more") as (reader, _):
        refused = await reader.read()
    assert refused.startswith(b"HTTP/1.1 431 ")
    assert refused.count(b"HTTP/1.1") == 1


async def test_a_client_that_would_like_another_protocol_is_answered_in_this_one_and_nothing_is_lost() -> (
    None
):
    asked = HEAD.replace(b"\r\n\r\n", b"\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\r\n")
    async with connected(Patient, asked + b"once" + asked + b"more" + HEAD[:20]) as (reader, writer):
        assert await answered(reader) == b"once"
        assert await answered(reader) == b"more"
        writer.write(HEAD[20:] + b"last")
        assert await answered(reader) == b"last"


async def test_nobody_is_connected_through() -> None:
    async with connected(Patient, b"CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n" + HEAD) as (reader, _):
        refused = await reader.read()
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert refused.count(b"HTTP/1.1 ") == 1


async def test_what_is_not_http_ends_the_connection_and_is_no_answer_to_what_waits() -> None:
    async with connected(Patient, b"\x16\x03\x01\x02") as (reader, _):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    async with connected(Patient, HEAD + b"once\x16\x03\x01\x02") as (reader, _):
        assert await reader.read() == b""


async def test_a_client_that_reads_nothing_of_its_answer_is_cut_off() -> None:
    lost = asyncio.Event()

    class Watched(Hasty):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async with connected(Watched, b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"):
        await lost.wait()


async def test_requests_in_pieces_and_one_after_the_other_are_answered() -> None:
    async with connected(Patient) as (reader, writer):
        for body in (b"once", b"more"):
            for piece in (HEAD[:9], HEAD[9:30], HEAD[30:] + body[:2], body[2:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            assert await answered(reader) == body


async def test_a_large_answer_reaches_a_client_that_reads_it() -> None:
    async with connected(Patient) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert len(await reader.read()) > LARGE


async def test_one_connection_too_many_is_told_to_come_back() -> None:
    class Small(Patient):
        max_connections = 1
        refused = RefusedRequests()

    async with serving(echo, Small) as url, asyncio.timeout(60):
        host, port = url.removeprefix("http://").split(":")
        first_reader, first = await asyncio.open_connection(host, int(port))
        first.write(HEAD + b"once")
        assert await answered(first_reader) == b"once"
        reader, second = await asyncio.open_connection(host, int(port))
        refused = await reader.read()
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in refused
        assert Small.refused == {"too_many_connections": 1}
        first.write(HEAD + b"more")
        assert await answered(first_reader) == b"more"
        for writer in (first, second):
            writer.close()


NO_HTTP = b"\x16\x03\x01\x02"


@pytest.mark.parametrize(
    ("protocol", "sent", "reason"),
    [
        pytest.param(
            Patient, b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 10_000, "headers_too_large", id="too many headers"
        ),
        pytest.param(Narrow, (HEAD + b"many") * 1000, "too_many_requests", id="too many at once"),
        pytest.param(Patient, NO_HTTP * 2, "malformed", id="no HTTP"),
        pytest.param(Patient, HEAD + b"once" + NO_HTTP, "malformed", id="no HTTP behind a request"),
        pytest.param(Patient, b"CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n", "malformed", id="connect"),
        pytest.param(Hasty, HEAD[:20], "slow", id="half the headers"),
        pytest.param(Hasty, HEAD + b"ab", "slow", id="half the body"),
        pytest.param(Hasty, b"", None, id="a connection that is not used"),
        pytest.param(Hasty, HEAD.replace(b"/", b"/unread", 1) + b"ab", None, id="answered before its body"),
    ],
)
async def test_what_is_refused_before_anybody_reads_it_is_counted_once_by_why(
    protocol: type[BoundedProtocol], sent: bytes, reason: RefusedBecause | None
) -> None:
    class Counting(protocol):
        refused = RefusedRequests()

    async with connected(Counting, sent) as (reader, _):
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
    assert Counting.refused == ({reason: 1} if reason else {})
