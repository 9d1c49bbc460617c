"""One process a folder: the engine's own message says neither who holds it nor what to do."""

import fcntl
import os
from pathlib import Path
from typing import Self

from mcp_obs_server.store.errors import StoreLockedError


class FolderLock:
    """Held as long as this object is open; the kernel releases it however the process ends."""

    def __init__(self, file_descriptor: int) -> None:
        self._file_descriptor = file_descriptor

    @classmethod
    def acquire(cls, folder: Path) -> Self:
        """Hold `folder`, or raise StoreLockedError naming the process that does."""
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreLockedError(
                f"{folder} is in use by another mcp-obs (process {holder}): stop it, or choose another --data-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._file_descriptor)
