"""A backup becomes a data folder, whole or not at all."""

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO

from mcp_obs_server.backup.description import Description
from mcp_obs_server.backup.errors import RestoreError
from mcp_obs_server.backup.reading import describe, members
from mcp_obs_server.backup.snapshot import ENGINE
from mcp_obs_server.store import FolderLock

_UNFINISHED = "restoring"
# A file system's own, which an empty one has too.
_NOTHING = {"lost+found"}


def restore(
    archive: BinaryIO, data_dir: Path, revisions: Collection[str], progress: Callable[[int], object]
) -> Description:
    """Fill an empty folder, or make it; `progress` is told the bytes as they are read, and everything is read twice.

    `revisions` are the control plane's migrations that this version knows. Raises RestoreError, ArchiveError,
    StoreLockedError or OSError; then the folder is as it was.
    """
    existed = data_dir.exists()
    if existed and (not data_dir.is_dir() or {path.name for path in data_dir.iterdir()} - _NOTHING):
        raise RestoreError(f"{data_dir} is not empty: choose another folder with --data-dir.")
    described = describe(archive)
    if described.control_revision not in revisions:
        raise RestoreError(
            f"This is a backup of mcp-obs {described.mcp_obs_server}, which is newer: upgrade."
        )
    _check_space(_check(archive, progress), data_dir)
    lock = FolderLock.acquire(data_dir)
    try:
        _fill(archive, data_dir, described, progress)
    except BaseException:
        _empty(data_dir, existed)
        raise
    finally:
        lock.release()
    return described


def _check(archive: BinaryIO, progress: Callable[[int], object]) -> int:
    """Read everything once and keep nothing; how many bytes it will take."""
    size = 0
    for member in members(archive):
        for block in member.blocks:
            progress(len(block))
        size += member.size
    return size


def _check_space(size: int, data_dir: Path) -> None:
    place = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if size > free:
        raise RestoreError(f"{place} has {free:,} bytes free and the backup takes {size:,}: make room first.")


def _fill(
    archive: BinaryIO, data_dir: Path, described: Description, progress: Callable[[int], object]
) -> None:
    """Write beside where it belongs and move it there when all of it is on disk; the control plane last."""
    data_dir.chmod(0o700)
    unfinished = data_dir / _UNFINISHED
    unfinished.mkdir()
    for member in members(archive):
        path = unfinished / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for block in member.blocks:
                file.write(block)
                progress(len(block))
    for name, target in described.databases.items():
        link = unfinished / ENGINE / "metadata" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    # Only now, when most of it was written back already.
    for path in (*unfinished.rglob("*"), unfinished):
        if not path.is_symlink():
            _sync(path)
    for path in sorted(unfinished.iterdir(), key=lambda path: path.is_file()):
        path.rename(data_dir / path.name)
    unfinished.rmdir()
    _sync(data_dir)


def _empty(data_dir: Path, existed: bool) -> None:
    for path in data_dir.iterdir():
        if path.is_dir() and path.name not in _NOTHING:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    if not existed:
        data_dir.rmdir()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
