"""The HTTP side: requests in, answers or faults out."""

import base64
import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from clickhouse_front.process import PASSWORD, USER, Fault
from clickhouse_front.statements import EngineError, Statements

_HANG_SECONDS = 60
_AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
# src/Server/HTTP/exceptionCodeToHTTPStatus.cpp, for the codes that the tests meet; 500 is the rest.
_STATUS = {16: 404, 27: 400, 33: 400, 36: 400, 60: 404, 62: 400, 81: 404, 117: 400, 241: 500, 516: 403}


class FrontServer(ThreadingHTTPServer):
    """One thread a connection, and the faults that wait to happen."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], statements: Statements) -> None:
        super().__init__(address, _Handler)
        self.statements = statements
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Say nothing of a client that is gone, as one that was killed is; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def plan(self, faults: list[Fault]) -> None:
        """What happens to the next requests, one after the other; whatever hangs goes on."""
        with self._lock:
            self.released.set()
            self.released = threading.Event()
            self._faults = faults

    def next_fault(self) -> Fault | None:
        """The fault for this request."""
        with self._lock:
            return self._faults.pop(0) if self._faults else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FrontServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["content-length"]))
        if url.path == "/faults":
            self.server.plan([Fault(name) for name in cast("list[str]", json.loads(body))])
            self._answer(200, b"")
            return
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        options = dict(parse_qsl(url.query, keep_blank_values=True))
        statement = b"\n".join(part for part in (options.get("query", "").encode(), body) if part)
        self._run(statement, options, self.server.next_fault())

    def _run(self, statement: bytes, options: dict[str, str], fault: Fault | None) -> None:
        if fault is Fault.UNAVAILABLE:
            self._answer(503, b"Service Unavailable")
            return
        if fault is Fault.HANG:
            self.server.released.wait(_HANG_SECONDS)
        if fault in (Fault.HANG, Fault.DROP):
            self.close_connection = True
            return
        try:
            result = self._result(statement, options)
        except EngineError as error:
            self._answer(_STATUS.get(error.code, 500), f"{error}\n".encode(), code=error.code)
            return
        if fault is Fault.STORE_AND_DROP:
            self.close_connection = True
            return
        self._answer(200, result, cut=fault is Fault.CUT)

    def _result(self, statement: bytes, options: dict[str, str]) -> bytes:
        if self.headers["authorization"] != _AUTHORIZATION:
            raise EngineError("Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)")
        return self.server.statements.run(statement, options)

    def _answer(self, status: int, body: bytes, code: int | None = None, cut: bool = False) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        if body and "gzip" in self.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the tests' output is theirs."""
