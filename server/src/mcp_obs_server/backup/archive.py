"""The form of a backup: a tar file whose first member says what it is and whose last one has every digest."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Sequence

from mcp_obs_server.backup.entry import BLOCK_BYTES, Entry

DESCRIPTION = "mcp-obs-backup.json"
DIGESTS = "SHA256SUMS"

# POSIX.1: members are padded to blocks, and two empty ones say that the archive is whole.
TAR_BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * TAR_BLOCK)
_DIGEST_CHARACTERS = 64


def digest_line(digest: str, name: str) -> str:
    """A line of the last member, as `sha256sum --check` reads it."""
    return f"{digest}  {name}\n"


def padding(size: int) -> bytes:
    """What follows a member of this size."""
    return bytes(-size % TAR_BLOCK)


def size_of(entries: Sequence[Entry]) -> int:
    """How long the archive will be, in bytes."""
    lines = sum(len(digest_line("0" * _DIGEST_CHARACTERS, each.name).encode()) for each in entries)
    members = [*entries, Entry(DIGESTS, b"", lines)]
    return sum(len(_header(each)) + each.size + len(padding(each.size)) for each in members) + len(END)


def write(entries: Sequence[Entry]) -> Iterator[bytes]:
    """The archive, a piece at a time. Raises OSError."""
    return _joined(_pieces(entries))


def _pieces(entries: Sequence[Entry]) -> Iterator[bytes]:
    lines: list[str] = []
    for entry in entries:
        digest = hashlib.sha256()
        yield _header(entry)
        for block in entry.blocks():
            digest.update(block)
            yield block
        yield padding(entry.size)
        lines.append(digest_line(digest.hexdigest(), entry.name))
    digests = Entry.of(DIGESTS, "".join(lines).encode())
    yield _header(digests)
    yield from digests.blocks()
    yield padding(digests.size)
    yield END


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The engine has thousands of small files, and each piece costs whoever sends it a change of threads."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.size, info.mode = entry.size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)
