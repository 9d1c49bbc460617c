"""Reading an export's body: within its own limit, as sent and inflated, and within what all may hold together."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from mcp_obs_server.ingest.errors import ExportTooLarge, MalformedExport

Hold = Callable[[int], None]
"""Takes room in memory for so many bytes more; raises Overloaded when there is none."""
Turn = Callable[[Callable[[], bytes]], Awaitable[bytes]]
"""Does a piece of work when it is the sender's turn."""

# An exporter's own timeout is 10 s; whoever takes longer holds memory that others need.
BODY_SECONDS = 30.0

# About 3 ms of work.
_INFLATE_STEP = 1 << 20
_SLICE = 1 << 16
# An exporter's gzip has one; a body of nothing but their 20 bytes would cost seconds.
_MAX_GZIP_MEMBERS = 1024


class ClientGone(Exception):  # noqa: N818  nobody is left to tell
    """The sender hung up before its body was whole."""


class Incoming:
    """The body as it arrives, from who feeds it to who reads it."""

    def __init__(self, on_wait: Callable[[], None]) -> None:
        """`on_wait` is called before somebody waits for more."""
        self._on_wait = on_wait
        self._unread: bytes | bytearray = b""
        self._waiting: asyncio.Future[None] | None = None
        self.is_whole = False
        """Whether the last of it is here."""
        self._is_lost = False

    @property
    def unread_bytes(self) -> int:
        """What is here and was not asked for."""
        return len(self._unread)

    def feed(self, piece: bytes) -> None:
        """Another piece is here."""
        if not self._unread:
            self._unread = piece
        else:
            # Joined, as each of a thousand letters would take more than forty bytes.
            if isinstance(self._unread, bytes):
                self._unread = bytearray(self._unread)
            self._unread += piece
        self._wake()

    def end(self) -> None:
        """That was the last piece."""
        self.is_whole = True
        self._wake()

    def lose(self) -> None:
        """There will be no more."""
        self._is_lost = True
        self._wake()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Everything, once, in pieces. Raises ClientGone."""
        while True:
            if self._is_lost:
                raise ClientGone
            if self._unread:
                unread, self._unread = bytes(self._unread), b""
                yield unread
            elif self.is_whole:
                return
            else:
                self._on_wait()
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting

    async def skim(self, limit: int) -> None:
        """Read on without keeping, so that a sender in the middle of its body lives to see why it was refused."""
        async for chunk in self.chunks():
            limit -= len(chunk)
            if limit <= 0:
                return

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)


async def slices(body: bytes) -> AsyncIterator[bytes]:
    """A body that is already here, in the pieces in which one arrives."""
    for start in range(0, len(body), _SLICE):
        yield body[start : start + _SLICE]


async def read_body(chunks: AsyncIterator[bytes], is_gzip: bool, limit: int, hold: Hold, turn: Turn) -> bytes:
    """The whole body, inflated. Raises ExportTooLarge, MalformedExport, Overloaded, and ClientGone from `chunks`."""
    inflate = _Inflater(limit, hold, turn) if is_gzip else None
    pieces: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ExportTooLarge(f"The body is over {limit} bytes: send smaller batches.")
        if inflate:
            pieces.extend(await inflate(chunk))
        else:
            hold(len(chunk))
            pieces.append(chunk)
    if inflate:
        inflate.finish()
    return b"".join(pieces)


class _Inflater:
    """gzip, member by member; stops at the limit, however much the input would inflate to."""

    def __init__(self, limit: int, hold: Hold, turn: Turn) -> None:
        self._limit = limit
        self._hold = hold
        self._turn = turn
        self._size = 0
        self._member = zlib.decompressobj(wbits=31)
        self._members = 0
        self._inside = False

    async def __call__(self, data: bytes) -> list[bytes]:
        out: list[bytes] = []
        while data:
            if self._members == _MAX_GZIP_MEMBERS:
                raise MalformedExport(f"The gzip body has over {_MAX_GZIP_MEMBERS} members: send it as one.")
            self._inside = True
            try:
                piece = await self._turn(partial(self._member.decompress, data, _INFLATE_STEP))
            except zlib.error as error:
                raise MalformedExport(f"The body is not gzip: {error}") from None
            self._count(len(piece))
            out.append(piece)
            if self._member.eof:
                data = self._member.unused_data
                self._next_member()
            else:
                data = self._member.unconsumed_tail
        return out

    def _next_member(self) -> None:
        self._members += 1
        self._member = zlib.decompressobj(wbits=31)
        self._inside = False

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise ExportTooLarge(f"The body inflates to over {self._limit} bytes: send smaller batches.")
        self._hold(size)

    def finish(self) -> None:
        if self._inside:
            raise MalformedExport("The gzip body ends in the middle.")
