"""A receiver that does nothing: reads each request's body and answers 200. The ceiling of the load generator, and
where a collector's exporter may send to.

    python -m benchmarks.null_receiver          prints its port, ends on SIGTERM or when its standard input closes
    python -m benchmarks.null_receiver 503      answers that
    python -m benchmarks.null_receiver hangs    reads, and answers nothing
"""

import re
import selectors
import socket
import sys

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
_ANSWERS = {
    "200": _ANSWER,
    "503": _ANSWER.replace(b"200 OK", b"503 Service Unavailable"),
    "hangs": b"",
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_BUFFER = bytearray(1 << 20)


class Peer:
    """One connection: heads are read, bodies are only counted."""

    def __init__(self, connection: socket.socket, answer: bytes) -> None:
        self.connection = connection
        self._answer = answer
        self._head = b""
        self._body_left = 0

    def receive(self) -> bool:
        """Take what is there and answer what is whole; False when the sender is gone."""
        try:
            size = self.connection.recv_into(_BUFFER)
            if size:
                self._take(memoryview(_BUFFER)[:size])
        except BlockingIOError:
            return True
        except OSError:
            return False
        return size > 0

    def _take(self, data: memoryview) -> None:
        while data:
            if self._body_left:
                skipped = min(self._body_left, len(data))
                self._body_left -= skipped
                data = data[skipped:]
            else:
                data = self._read_head(data)
                if self._head:
                    return
            if not self._body_left:
                self.connection.sendall(self._answer)

    def _read_head(self, data: memoryview) -> memoryview:
        """What follows the head, whose length is then known; an unfinished head is kept."""
        before = len(self._head)
        # A head is short, and the body behind it need not be copied.
        self._head += data[:4096]
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return data[len(data) :]
        length = _LENGTH.search(self._head, 0, end + 2)
        self._body_left = int(length[1]) if length else 0
        self._head = b""
        return data[end + 4 - before :]


def serve(listener: socket.socket, stop: int, answer: bytes = _ANSWER) -> None:
    """Give everybody the `answer` until the file descriptor `stop` can be read."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(stop, selectors.EVENT_READ)
    while True:
        for ready, _ in selector.select():
            if ready.fd == stop:
                return
            if ready.fd == listener.fileno():
                connection, _address = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, Peer(connection, answer))
            elif not ready.data.receive():
                selector.unregister(ready.fd)
                ready.data.connection.close()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=512) as door:
        print(door.getsockname()[1], flush=True)
        serve(door, sys.stdin.fileno(), _ANSWERS[sys.argv[1] if sys.argv[1:] else "200"])
