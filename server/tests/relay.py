"""A relay in front of a port, which counts the bytes that pass and can lose the answers that are on their way."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

_CHUNK_BYTES = 1 << 16


class Relay:
    """Between a sender and a receiver."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._open: set[StreamWriter] = set()
        self.port = 0
        self.sent_bytes = 0
        """Of the sender."""
        self.answered_bytes = 0

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._open:
            writer.transport.abort()

    async def connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what a connection brings, both ways, until either side has had enough."""
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        ends = {writer, to_writer}
        self._open |= ends
        try:
            await asyncio.gather(
                self._pass(reader, to_writer, self._count_sent),
                self._pass(to_reader, writer, self._count_answered),
            )
        finally:
            self._open -= ends

    def _count_sent(self, size: int) -> None:
        self.sent_bytes += size

    def _count_answered(self, size: int) -> None:
        self.answered_bytes += size

    async def _pass(self, reader: StreamReader, writer: StreamWriter, count: Callable[[int], None]) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK_BYTES):
                count(len(chunk))
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relaying(target_port: int) -> AsyncGenerator[Relay]:
    """A relay to that port of this machine."""
    relay = Relay(target_port)
    server = await asyncio.start_server(relay.connect, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.cut()
        await server.wait_closed()
