"""Acknowledged exports on disk until the engine has them.

An export is appended to the open segment and fsynced before it is acknowledged: 1 ms, where an insert takes 100 ms
however small it is. A segment is then inserted whole under its name as deduplication token, and deleted. After a
crash the segments that are still here are inserted again under the same names; what the engine already has it drops.
"""

import contextlib
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

from mcp_obs_server.ingest.envelope import Frame, frame, whole_frames
from mcp_obs_server.kit.durable_file import append, sync_folder, write_durably

log = logging.getLogger(__name__)

_SUFFIX = ".segment"
# What is to take a segment's place; left behind by a crash it is nobody's.
_FRESH = ".new"
_REFUSED = "refused"
_TIME_DIGITS = 20
# {time}-{sequence}-{random}; the letters of parts come behind.
_ORIGIN_LENGTH = _TIME_DIGITS + 1 + 8 + 1 + 16

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Segment:
    """A closed file of whole frames, waiting for the engine."""

    path: Path
    size: int
    digests: tuple[bytes, ...]

    @property
    def token(self) -> str:
        """The deduplication token: the same after every restart."""
        return self.path.stem

    @property
    def origin(self) -> str:
        """The segment that this is, or that it was split from."""
        return self.token[:_ORIGIN_LENGTH]


@dataclass(frozen=True)
class Census:
    """What lies in a spool's folder."""

    segments: int
    oldest_nanoseconds: int | None
    """When the oldest segment was begun, since 1970; None when nothing waits."""
    refused: int
    """Files that the engine can't read."""


class Spool:
    """One writer appends and seals; one reader inserts and removes. Neither blocks the other."""

    def __init__(self, folder: Path, rewrite: Callable[[bytes], bytes] = bytes) -> None:
        """`rewrite` writes a refused body anew; as it is given back, so it stays refused."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        """Where it lies; what is set aside is in a folder in it."""
        self._rewrite = rewrite
        self._file: FileIO | None = None
        self.open_bytes = 0
        """The size of the open segment."""
        self._digests: list[bytes] = []
        self._sequence = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits here, and nothing was set aside; a file whose first write failed is empty."""
        return not any(path.stat().st_size for path in self.folder.rglob(f"*{_SUFFIX}"))

    def recover(self) -> list[Segment]:
        """The segments an earlier process left, oldest first, each cut to its last whole frame."""
        self._remove_half_written()
        paths = sorted(self.folder.glob(f"*{_SUFFIX}"))
        whole = {path.stem for path in paths}
        # Parts whose whole is still here were never queued. It is split again, into the same bytes and names.
        for path in [each for each in paths if each.stem[:-1] in whole]:
            path.unlink()
            paths.remove(path)
        return [segment for path in paths if (segment := _recover(path))]

    def append(self, frames: Iterable[tuple[bytes, bytes, bytes]], digests: Iterable[bytes]) -> int:
        """Write the frames and return their size once they would survive a power loss.

        Raises OSError, and then the open segment has to be sealed before the next are written.
        """
        file = self._file or self._create()
        data = b"".join(part for parts in frames for part in parts)
        # Half a frame in the middle would hide the whole ones behind it; an append that fails leaves none.
        append(file, data)
        self.open_bytes += len(data)
        self._digests.extend(digests)
        return len(data)

    def seal(self) -> Segment | None:
        """Close the open segment for insertion; None when there is nothing in it."""
        file = self._file
        # One that `append` closed has half of a group at its end.
        if file is None or not (self._digests or file.closed):
            return None
        segment = Segment(Path(str(file.name)), self.open_bytes, tuple(self._digests))
        self._file, self.open_bytes = None, 0
        self._digests.clear()
        # Whatever is acknowledged of it was synced.
        with contextlib.suppress(OSError):
            file.close()
        if segment.digests:
            return segment
        with contextlib.suppress(OSError):
            segment.path.unlink()
        return None

    def remove(self, segment: Segment) -> None:
        """Forget a segment whose rows the engine holds durably."""
        segment.path.unlink()

    def batch(self, segment: Segment, left_out: Set[bytes]) -> bytes | Path:
        """The segment's whole frames but those of these digests; its file when nothing else is in it."""
        if not left_out and segment.path.stat().st_size == segment.size:
            return segment.path
        return _kept(segment.path.read_bytes(), lambda each: each.digest not in left_out)

    def remove_servers(self, deleted_at: Mapping[int, datetime]) -> Counter[int]:
        """Take out what these servers sent before something of them was deleted, before any file is recovered.

        A segment that was begun after the deletion was finished can't hold anything of it. Gives the number of exports
        removed of each server. Raises OSError.
        """
        self._remove_half_written()
        removed: Counter[int] = Counter()
        for path in self.folder.rglob(f"*{_SUFFIX}"):
            begun = _begun_nanoseconds(path)
            meant = {server_id for server_id, at in deleted_at.items() if begun <= _nanoseconds(at)}
            data = path.read_bytes()
            of_meant = [each.server_id for each in whole_frames(data) if each.server_id in meant]
            if of_meant:
                _write_anew(path, _kept(data, lambda each, meant=meant: each.server_id not in meant))
                removed.update(of_meant)
        return removed

    def _remove_half_written(self) -> None:
        for path in self.folder.rglob(f"*{_FRESH}"):
            path.unlink()

    def split(self, segment: Segment) -> list[Segment]:
        """Two segments in place of one that the engine refuses.

        A single export is given another chance, written anew; when that changes nothing the list is empty. A crash in
        between leaves the whole beside its parts, and `recover` takes the whole.
        """
        data = segment.path.read_bytes()
        frames = list(whole_frames(data))
        if len(frames) > 1:
            middle = frames[len(frames) // 2 - 1].end
            end = frames[-1].end
            parts = [self._part(segment, "a", data[:middle]), self._part(segment, "b", data[middle:end])]
        elif (body := self._rewrite(frames[0].body)) != frames[0].body:
            parts = [self._rewritten(segment, frames[0], body)]
        else:
            return []
        segment.path.unlink()
        # A part must not be in the engine while a power loss could still bring the whole back.
        sync_folder(self.folder)
        return parts

    def _part(self, segment: Segment, name: str, data: bytes) -> Segment:
        path = segment.path.with_name(f"{segment.token}{name}{_SUFFIX}")
        write_durably(path, data)
        return Segment(path, len(data), tuple(found.digest for found in whole_frames(data)))

    def _rewritten(self, segment: Segment, sent: Frame, body: bytes) -> Segment:
        # A repeat will come in the sender's bytes.
        written = frame(sent.org_id, sent.server_id, body, sent.digest, sent.window, is_as_sent=False)
        return self._part(segment, "r", b"".join(written))

    def set_aside(self, segment: Segment) -> Frame:
        """Move one that can't be split where nobody inserts it; the export in it."""
        (export,) = whole_frames(segment.path.read_bytes())
        refused = self.folder / _REFUSED
        refused.mkdir(exist_ok=True)
        segment.path.replace(refused / segment.path.name)
        sync_folder(refused)
        return export

    def remove_refused(self, is_meant: Callable[[int, bytes], bool]) -> None:
        """Delete what was set aside when the server that it is of and its body are meant."""
        for path in (self.folder / _REFUSED).glob(f"*{_SUFFIX}"):
            if any(is_meant(each.server_id, each.body) for each in whole_frames(path.read_bytes())):
                path.unlink()

    def probe(self) -> None:
        """Whether a file can be made and written here. Raises OSError."""
        probe = self.folder / "probe"
        probe.write_bytes(b"\0")
        probe.unlink()

    def census(self) -> Census:
        """What lies on disk now."""
        names = sorted(self.folder.glob(f"*{_SUFFIX}"))
        refused = self.folder / _REFUSED
        return Census(
            segments=len(names),
            oldest_nanoseconds=_begun_nanoseconds(names[0]) if names else None,
            refused=sum(1 for _ in refused.iterdir()) if refused.is_dir() else 0,
        )

    def link_to(self, folder: Path) -> list[tuple[str, Path, int]]:
        """Hard links in `folder` to every file here: its place, the link, and its size now."""
        linked: list[tuple[str, Path, int]] = []
        for path in (each for each in self.folder.rglob("*") if each.is_file()):
            place = path.relative_to(self.folder)
            link = folder / place
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(path)
            linked.append((place.as_posix(), link, link.stat().st_size))
        return sorted(linked)

    def _create(self) -> FileIO:
        # Names sort by time across restarts, and the sequence keeps two in one tick apart. As tokens they are also
        # apart from those of other processes on the same server: a batch under another's token would be dropped.
        self._sequence += 1
        name = f"{time.time_ns():0{_TIME_DIGITS}d}-{self._sequence:08d}-{secrets.token_hex(8)}"
        path = self.folder / f"{name}{_SUFFIX}"
        file = FileIO(path, "x")
        try:
            # A file whose name a power loss could take keeps nothing.
            sync_folder(self.folder)
        except OSError:
            file.close()
            path.unlink()
            raise
        self._file = file
        return file


def _begun_nanoseconds(path: Path) -> int:
    return int(path.name[:_TIME_DIGITS])


def _nanoseconds(time: datetime) -> int:
    return (time - _1970) // timedelta(microseconds=1) * 1000


def _write_anew(path: Path, data: bytes) -> None:
    if data:
        fresh = path.with_suffix(_FRESH)
        write_durably(fresh, data)
        fresh.replace(path)
    else:
        path.unlink()
    sync_folder(path.parent)


def _kept(data: bytes, is_kept: Callable[[Frame], bool]) -> bytes:
    kept: list[bytes] = []
    start = 0
    for each in whole_frames(data):
        if is_kept(each):
            kept.append(data[start : each.end])
        start = each.end
    return b"".join(kept)


def _recover(path: Path) -> Segment | None:
    data = path.read_bytes()
    frames = list(whole_frames(data))
    size = frames[-1].end if frames else 0
    if size < len(data):
        log.warning(
            "The last %d bytes of %s are no whole export and were cut; a crash in the middle of a write leaves such.",
            len(data) - size,
            path,
        )
        os.truncate(path, size)
    if not frames:
        path.unlink()
        return None
    return Segment(path, size, tuple(each.digest for each in frames))
