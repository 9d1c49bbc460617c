"""A full disk, as far as this process can tell: a write stops in the middle with an OSError."""

import resource
import signal
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO


class Uncuttable(FileIO):
    """What was begun to be written can't be taken back."""

    def truncate(self, size: int | None = None) -> int:
        """Fail."""
        raise OSError("The disk is broken")


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """No file of this process grows beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
