"""Appending to a file so that it survives a power loss, or leaves the file as it was."""

import os
from io import FileIO
from pathlib import Path


def append(file: FileIO, data: bytes) -> None:
    """Write all of `data` at the end and sync.

    Raises OSError, and then nothing of it is there, or the file is closed.
    """
    start = file.tell()
    try:
        view = memoryview(data)
        while view:
            view = view[file.write(view) or 0 :]
        os.fdatasync(file.fileno())
    except OSError:
        try:
            file.truncate(start)
            file.seek(start)
        except OSError:
            # Behind what is left of it nothing more may be written.
            file.close()
        raise


def append_durably(path: Path, data: bytes) -> None:
    """The same for a file that is not open, and may not be there yet."""
    with FileIO(path, "a") as file:
        if not file.seek(0, os.SEEK_END):
            sync_folder(path.parent)
        append(file, data)


def write_durably(path: Path, data: bytes) -> None:
    """A file that is there whole after a power loss, in place of one of the same name."""
    with FileIO(path, "w") as file:
        append(file, data)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were made or removed in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
