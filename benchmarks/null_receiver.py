"""A receiver that does nothing: reads each request's body and answers 200. The ceiling of the load generator, and
where a collector's exporter may send to.

    python -m benchmarks.null_receiver          prints its port, ends on SIGTERM or when its standard input closes
    python -m benchmarks.null_receiver 503      answers that
    python -m benchmarks.null_receiver hangs    reads, and answers nothing

GET is answered with how many times what was posted where, as JSON.
"""

import json
import re
import selectors
import socket
import sys
from collections import Counter

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
_ANSWERS = {
    "200": _ANSWER,
    "503": _ANSWER.replace(b"200 OK", b"503 Service Unavailable"),
    "hangs": b"",
}
_COUNTS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_BUFFER = bytearray(1 << 20)


class Peer:
    """One connection: heads are read, bodies are only counted."""

    def __init__(self, connection: socket.socket, answer: bytes, posted: Counter[str]) -> None:
        """`posted` counts the requests of everybody, by their path."""
        self.connection = connection
        self._answer = answer
        self._posted = posted
        self._is_asked = False
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
                self.connection.sendall(self._counts() if self._is_asked else self._answer)

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
        method, path, _ = self._head.split(b" ", 2)
        self._is_asked = method == b"GET"
        if not self._is_asked:
            self._posted[path.decode()] += 1
        self._head = b""
        return data[end + 4 - before :]

    def _counts(self) -> bytes:
        counts = json.dumps(self._posted).encode()
        return _COUNTS % (len(counts), counts)


def serve(listener: socket.socket, stop: int, answer: bytes = _ANSWER) -> None:
    """Give everybody the `answer` until the file descriptor `stop` can be read."""
    posted: Counter[str] = Counter()
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
                selector.register(connection, selectors.EVENT_READ, Peer(connection, answer, posted))
            elif not ready.data.receive():
                selector.unregister(ready.fd)
                ready.data.connection.close()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=512) as door:
        print(door.getsockname()[1], flush=True)
        serve(door, sys.stdin.fileno(), _ANSWERS[sys.argv[1] if sys.argv[1:] else "200"])
