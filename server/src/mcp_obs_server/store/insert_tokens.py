"""What the embedded engine notes of inserts, to drop a repeated one: made true again before the engine reads it.

It writes a part's token half a millisecond before the part is in its place, and does not sync it (chDB 26.9 under
strace: MergeTreeDeduplicationLog::addPart, then the rename). Killed in between it would drop the repetition of what it
does not have; after a power loss it could store what it has a second time.
"""

import array
import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_LOGS = "deduplication_logs"
_TABLES = f"store/*/*/{_LOGS}"
# The first field of a line: the part in the second was added, not dropped.
_ADDED = b"1"
# FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_SYNC_FL (linux/fs.h): what is written to such a file is on disk then, and
# files that are made in such a folder are such files.
_GET_FLAGS, _SET_FLAGS, _SYNC = 0x80086601, 0x40086602, 0x8


class _Part(NamedTuple):
    """Blocks of one partition that lie together."""

    partition: str
    first: int
    last: int

    def holds(self, other: "_Part") -> bool:
        """Whether it is the other one, or was merged from it and more."""
        return self.partition == other.partition and self.first <= other.first and other.last <= self.last


def forget_unfinished(engine: Path) -> int:
    """Take out the tokens whose parts never came to be; for an engine that is stopped. How many; raises OSError."""
    return sum(map(_forget_unfinished, engine.glob(_TABLES)))


def write_through(engine: Path) -> None:
    """Have tokens synced as they are written, where the file system can do that: ext4, XFS, btrfs."""
    for logs in engine.glob(_TABLES):
        for path in (logs, *logs.iterdir()):
            with suppress(OSError):
                _sync_writes(path)


def _forget_unfinished(logs: Path) -> int:
    parts = [part for path in logs.parent.iterdir() if (part := _part(path.name))]
    forgotten = 0
    # Inserts take turns, so that only the newest can be unfinished.
    for log in sorted(logs.glob("*.txt"), key=_number, reverse=True):
        lines = log.read_bytes().splitlines(keepends=True)
        unfinished = 0
        while lines and not _is_finished(lines[-1], parts):
            unfinished += len(lines.pop())
            forgotten += 1
        if unfinished:
            os.truncate(log, log.stat().st_size - unfinished)
        if lines:
            break
    return forgotten


def _is_finished(line: bytes, parts: Iterable[_Part]) -> bool:
    if not line.endswith(b"\n"):
        return False
    event, name, *_ = line.split(b"\t")
    noted = _part(name.decode())
    return event != _ADDED or noted is None or any(part.holds(noted) for part in parts)


def _part(name: str) -> _Part | None:
    """By the name of its folder, {partition}_{first}_{last}_{level}, and of one that was mutated _{version}."""
    partition, *numbers = name.split("_")
    if len(numbers) in {3, 4} and all(map(str.isdecimal, numbers)):
        return _Part(partition, int(numbers[0]), int(numbers[1]))
    return None


def _number(log: Path) -> int:
    number = log.stem.rpartition("_")[2]
    return int(number) if number.isdecimal() else 0


def _sync_writes(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flags = array.array("l", [0])
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
        flags[0] |= _SYNC
        fcntl.ioctl(descriptor, _SET_FLAGS, flags)
    finally:
        os.close(descriptor)
