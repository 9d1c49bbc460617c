"""uvicorn's HTTP/1.1, with an end to what a client can leave half done, and a short way to the OTLP door.

uvicorn itself ends only idle connections; half a request, or an answer that nobody reads, it keeps for ever.
"""

import asyncio
from typing import ClassVar, cast
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mcp_obs_server.http_exchange import Exchange
from mcp_obs_server.ingest.http import PREFIX, OtlpHttp
from mcp_obs_server.kit.open_files import connections_at_most
from mcp_obs_server.kit.refused_requests import RefusedRequests

_LONG_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_PREFIX = PREFIX.encode()
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


def _path(url: bytes) -> str:
    """As uvicorn reads it for ASGI; a usual path is one already."""
    if url.startswith(_PREFIX) and url[len(_PREFIX) :].isalpha():
        return url.decode()
    return unquote((parse_url(url).path or b"").decode("ascii"))


async def _no_application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """What uvicorn wants to have beside an exchange, which asks its door."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose client is too slow, and answers 503 when there are too many.

    What is below /v1/ goes to its door and never to ASGI, everything else to ASGI.
    """

    door: ClassVar[OtlpHttp | None] = None
    refused: ClassVar[RefusedRequests] = RefusedRequests()
    """Of all connections together."""

    head_seconds: ClassVar[float] = 10.0
    """From the connection, or the first byte of a later request, to the end of the headers."""
    request_seconds: ClassVar[float] = 60.0
    """To the end of the body; OTLP's own 30 s come first, and with an answer."""
    answer_seconds: ClassVar[float] = 30.0
    """How long a client may read nothing of an answer."""
    max_head_bytes: ClassVar[int] = 64 * 1024
    """Of a request's first line and headers, beside what came with its first byte."""
    max_headers: ClassVar[int] = 200
    """Of a request: each is two objects, however short."""
    max_pipelined: ClassVar[int] = 64
    """Requests that wait behind one that is not answered yet."""
    max_connections: ClassVar[int] = connections_at_most(2)

    _in_head = True
    _in_request = True
    _head_began = False
    _head_bytes = 0
    _is_over = False
    """Whether what still comes is no request any more."""
    _exchange: Exchange | None = None
    _request_ends: asyncio.TimerHandle | None = None
    _answer_ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.refused["too_many_connections"] += 1
            transport.write(_BUSY)
            self._close()
        else:
            self._request_ends = self.loop.call_later(self.head_seconds, self._head_took_too_long)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(self._request_ends)
        self._stop(self._answer_ends)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_began = False
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._is_over:
            return
        if not self._in_request:
            self._keep_alive_for_a_while()
            return
        # A timer costs a microsecond; most requests come in one piece and need none.
        if self._request_ends is None:
            self._request_ends = self.loop.call_later(self.head_seconds, self._head_took_too_long)
        # Where in this piece a head began is not known.
        if self._in_head and not self._head_began:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                self._refuse_long_head()

    def on_message_begin(self) -> None:
        self._in_head = self._in_request = self._head_began = True
        self._head_bytes = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind a body in chunks there may be more of them, which say nothing here.
        if not self._in_head or self._is_over:
            return
        super().on_header(name, value)
        if len(self.headers) > self.max_headers:
            self._refuse_long_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._is_over or self.parser.should_upgrade():
            return
        if len(self.pipeline) >= self.max_pipelined:
            self._is_over = True
            self.refused["too_many_requests"] += 1
            self.transport.abort()
            return
        path = _path(self.url)
        if self.door and path.startswith(PREFIX):
            self._begin(Exchange(self, self.door, path))
        else:
            self._exchange = None
            self._make_scope()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange
        if self._is_over:
            return
        if exchange is None:
            super().on_body(body)
        elif not exchange.response_complete:
            exchange.incoming.feed(body)
            if exchange.incoming.unread_bytes > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._in_request = False
        if self._request_ends is not None:
            self._request_ends.cancel()
            self._request_ends = None
        if self._is_over or self.parser.should_upgrade():
            return
        if self._exchange is None:
            super().on_message_complete()
        else:
            self._exchange.incoming.end()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()
        elif self.pipeline:
            # The next one reads on when it needs more; who waits behind it needs nothing yet.
            self.flow.pause_reading()

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

    def _begin(self, exchange: Exchange) -> None:
        may_start = self._is_answered()
        self._exchange = exchange
        self.cycle = cast("RequestResponseCycle", exchange)
        if may_start:
            self._start_asgi_task(self.cycle, _no_application)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, _no_application))

    def _make_scope(self) -> None:
        """What uvicorn does at the beginning of a message and exports don't need."""
        url, headers, expect_100_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect_100_continue
        self.headers.extend(headers)

    def _keep_alive_for_a_while(self) -> None:
        """Bytes between two requests, or behind one that is answered, end uvicorn's timer and begin none."""
        is_idle = self._is_answered() and not self.pipeline and not self.transport.is_closing()
        if is_idle and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._begin_without_upgrade(data[upgrade.args[0] :])
        except HttpParserError:
            self._refuse("This is not HTTP/1.1.")

    def _begin_without_upgrade(self, rest: bytes) -> None:
        """A server may ignore a wish for another protocol (RFC 9110, 7.8), but the parser stops before the body.

        Java's client wishes for HTTP/2 in its first request, and sends its body all the same.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse("Nobody is connected through here.")
            return
        line = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        headers = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(b"".join([line, *headers, b"\r\n", rest]))

    def _refuse(self, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.refused["malformed"] += 1
        # Behind another request that is not answered yet it would be read as that one's answer.
        is_its_own = self._in_request and not self._in_head and not self.pipeline
        if is_its_own or self._is_answered():
            self.send_400_response(reason)
        self._close()

    def _refuse_long_head(self) -> None:
        self._is_over = True
        self.refused["headers_too_large"] += 1
        if self._is_answered():
            self.transport.write(_LONG_HEAD)
        self._close()

    def _is_answered(self) -> bool:
        # Before the first request there is no cycle, whatever its type says.
        before = cast("RequestResponseCycle | None", self.cycle)
        return before is None or before.response_complete

    def _head_took_too_long(self) -> None:
        if self._in_head:
            # A browser opens connections ahead: one on which nothing was asked is no request.
            self._end_slow(is_refused=self._head_began or self._head_bytes > 0)
        else:
            rest = self.request_seconds - self.head_seconds
            self._request_ends = self.loop.call_later(rest, self._request_took_too_long)

    def _request_took_too_long(self) -> None:
        # What is answered while its body still comes was refused, if at all, by whoever answered.
        self._end_slow(is_refused=not self._is_answered())

    def _end_slow(self, *, is_refused: bool) -> None:
        if is_refused:
            self.refused["slow"] += 1
        self._close()

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


def with_door(
    door: OtlpHttp, refused: RefusedRequests, protocol: type[BoundedProtocol] = BoundedProtocol
) -> type[BoundedProtocol]:
    """The protocol of a server that has this door and counts here what it refuses itself."""
    return type("ProtocolWithDoor", (protocol,), {"door": door, "refused": refused})
