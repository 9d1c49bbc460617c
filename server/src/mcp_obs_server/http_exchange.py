"""A request to the OTLP door and its answer, on a connection that uvicorn's protocol reads (decision 0018)."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mcp_obs_server.ingest.body import Incoming
from mcp_obs_server.ingest.http import Answer, OtlpHttp, Request


class Exchange:
    """What uvicorn's RequestResponseCycle is for ASGI, as far as its protocol uses one."""

    __slots__ = (
        "_connection",
        "_door",
        "_expects_continue",
        "_request",
        "disconnected",
        "incoming",
        "keep_alive",
        "response_complete",
    )

    def __init__(self, connection: HttpToolsProtocol, door: OtlpHttp, path: str) -> None:
        parser = connection.parser
        assert parser is not None  # only of a lost connection
        self._connection = connection
        self._door = door
        is_old = parser.get_http_version() == "1.0"
        self._expects_continue = connection.expect_100_continue and not is_old
        self.incoming = Incoming(self._wait_for_more)
        method = parser.get_method().decode("ascii")
        self._request = Request(method, path, dict(connection.headers), self.incoming)
        self.keep_alive = not is_old and parser.should_keep_alive()
        """Whether the connection stays open afterwards; not when the server stops meanwhile."""
        self.response_complete = False
        self.disconnected = False

    @property
    def message_event(self) -> "Exchange":
        """The event of a cycle, which is set when the connection is lost."""
        return self

    def set(self) -> None:
        """Whoever reads the body learns that no more will come."""
        self.incoming.lose()

    async def run_asgi(self, app: object) -> None:
        """Answer, once the exchanges before it on this connection are over; a cycle would call `app`."""
        flow, transport = self._connection.flow, self._connection.transport
        try:
            answer = await self._door.answer(self._request)
        except BaseException:
            # The server's patience at its stop is over. Without an answer a sender tries again, with a 500 it doesn't.
            transport.close()
            raise
        if answer and flow.write_paused:
            await flow.drain()
        if answer and not transport.is_closing():
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        connection = self._connection
        self.keep_alive = self.keep_alive and not answer.is_last
        parts = [STATUS_LINE[answer.status], answer.head]
        parts += [b"%b: %b\r\n" % header for header in connection.server_state.default_headers]
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        if answer.status != 204:
            parts.append(b"content-length: %d\r\n" % len(answer.body))
        parts.append(b"\r\n")
        if self._request.method != "HEAD":
            parts.append(answer.body)
        connection.transport.write(b"".join(parts))
        self.response_complete = True
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()

    def _wait_for_more(self) -> None:
        if self._expects_continue:
            self._expects_continue = False
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._connection.flow.resume_reading()
