"""Ports of the loopback that only a test's own processes get."""

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Generator[int]:
    """A port that nobody else is given; connections to it are refused until the test starts a server there."""
    with socket.socket() as holder:
        # Servers say this too, so that one may listen where another socket is only bound.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
