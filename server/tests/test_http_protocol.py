"""What a client can leave half done comes to an end."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_obs_server.http_protocol import BoundedProtocol
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


@asynccontextmanager
async def connected(protocol: type[BoundedProtocol], sent: bytes = b"") -> AsyncGenerator[Streams]:
    """A client's connection. What was `sent` is there before the server looks, so no hurry is shorter than its way."""
    async with serving(echo, protocol) as url, asyncio.timeout(30):
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

    async with serving(echo, Small) as url, asyncio.timeout(30):
        host, port = url.removeprefix("http://").split(":")
        first_reader, first = await asyncio.open_connection(host, int(port))
        first.write(HEAD + b"once")
        assert await answered(first_reader) == b"once"
        reader, second = await asyncio.open_connection(host, int(port))
        refused = await reader.read()
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in refused
        first.write(HEAD + b"more")
        assert await answered(first_reader) == b"more"
        for writer in (first, second):
            writer.close()
