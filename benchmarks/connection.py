"""One connection of an exporter over HTTP/1.1 on a non-blocking socket: one export under way at a time."""

import socket

# An export of 512 spans fits whole, so that one call sends it.
_SEND_BUFFER = 1 << 20
_END_OF_HEAD = b"\r\n\r\n"


class ConnectionLost(Exception):  # noqa: N818  an answer that did not come
    """The receiver is not there, or went away before it had answered."""


class Connection:
    """Sends a body, gives back the status. `is_sending` says which readiness to wait for."""

    def __init__(self, port: int, head: bytes, body: bytearray) -> None:
        """`head` goes before every `body`, which is sent as it is at that moment."""
        self._head = head
        self._body = body
        self._unsent: list[memoryview] = []
        self._received = b""
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    @property
    def is_sending(self) -> bool:
        """Whether a part of the body still has to go out."""
        return bool(self._unsent)

    def send(self) -> None:
        """Start an export, or go on with the one begun. Raises ConnectionLost."""
        if not self._unsent:
            self._unsent = [memoryview(self._head), memoryview(self._body)]
        try:
            sent = self.socket.sendmsg(self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        while self._unsent and sent >= len(self._unsent[0]):
            sent -= len(self._unsent.pop(0))
        if self._unsent:
            self._unsent[0] = self._unsent[0][sent:]

    def receive(self) -> "Answer | None":
        """The whole answer, None while it is still coming. Raises ConnectionLost."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        if not data:
            raise ConnectionLost("closed by the receiver")
        self._received += data
        answer = read_answer(self._received)
        if answer:
            self._received = b""
        return answer

    def close(self) -> None:
        """Hang up."""
        self._unsent = []
        self.socket.close()


class Answer:
    """What a receiver said."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.body = body
        """Nothing, when a receiver kept everything (OTLP 1.11, "Full Success")."""
        lines = head.split(b"\r\n")
        self.status = int(lines[0][9:12])
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
        }

    @property
    def is_last(self) -> bool:
        """Whether the receiver closes the connection after it."""
        return self.headers.get(b"connection", b"").lower() == b"close"

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before the same export is sent again; None when the receiver named none."""
        value = self.headers.get(b"retry-after", b"")
        return float(value) if value.isdigit() else None


def read_answer(data: bytes) -> Answer | None:
    """An HTTP/1.1 answer, None while it isn't whole. One answer at a time: nothing is pipelined."""
    head, end, body = data.partition(_END_OF_HEAD)
    if not end:
        return None
    answer = Answer(head, body)
    if answer.headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return answer if body.endswith(b"0\r\n\r\n") else None
    return answer if len(body) >= int(answer.headers.get(b"content-length", b"0")) else None
