"""uvicorn's HTTP/1.1, with an end to what a client can leave half done.

uvicorn itself ends only idle connections; half a request, or an answer that nobody reads, it keeps for ever.
"""

import asyncio
import resource
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


def _max_connections() -> int:
    # The other half of what the process may open is for the engine's files.
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if soft == resource.RLIM_INFINITY else min(10_000, soft // 2)


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose client is too slow, and answers 503 when there are too many."""

    head_seconds: ClassVar[float] = 10.0
    """From the connection, or the first byte of a later request, to the end of the headers."""
    request_seconds: ClassVar[float] = 60.0
    """To the end of the body; OTLP's own 30 s come first, and with an answer."""
    answer_seconds: ClassVar[float] = 30.0
    """How long a client may read nothing of an answer."""
    max_connections: ClassVar[int] = _max_connections()

    _in_head = True
    _in_request = True
    _request_ends: asyncio.TimerHandle | None = None
    _answer_ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.write(_BUSY)
            self._close()
        else:
            self._request_ends = self.loop.call_later(self.head_seconds, self._head_took_too_long)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(self._request_ends)
        self._stop(self._answer_ends)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # A timer costs a microsecond; most requests come in one piece and need none.
        if self._in_request and self._request_ends is None:
            self._request_ends = self.loop.call_later(self.head_seconds, self._head_took_too_long)

    def on_message_begin(self) -> None:
        self._in_head = self._in_request = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_request = False
        self._stop(self._request_ends)
        self._request_ends = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_later()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop(self._answer_ends)
            self._answer_ends = None

    def _head_took_too_long(self) -> None:
        if self._in_head:
            self._close()
        else:
            rest = self.request_seconds - self.head_seconds
            self._request_ends = self.loop.call_later(rest, self._close)

    def _close(self) -> None:
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        # Closing waits until what was written is read, for ever if need be.
        if self._answer_ends is None and self.transport.get_write_buffer_size():
            self._answer_ends = self.loop.call_later(self.answer_seconds, self.transport.abort)

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
