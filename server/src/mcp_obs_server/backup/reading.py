"""Reading a backup that may be damaged, or made by somebody who means harm.

Only what `archive.write` writes is understood: files by relative names. tarfile itself would follow links and
devices and hold in memory what a header declares.
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from pydantic import ValidationError

from mcp_obs_server.backup.archive import DESCRIPTION, DIGESTS, END, TAR_BLOCK, digest_line, padding
from mcp_obs_server.backup.control_plane import NAME as CONTROL
from mcp_obs_server.backup.description import FORMAT, Description
from mcp_obs_server.backup.entry import BLOCK_BYTES
from mcp_obs_server.backup.errors import ArchiveError
from mcp_obs_server.backup.snapshot import ENGINE

# Ours takes 400 bytes; PATH_MAX is what a name may have.
_DESCRIPTION_BYTES = 2**16
_NAME_BYTES = 4096
_FOLDERS = ("spool/", f"{ENGINE}/store/")


@dataclass(frozen=True)
class Member:
    """A file of the backup. Its content has to be read before the next one's, and is right once it was read."""

    name: str
    size: int
    blocks: Iterator[bytes]


def describe(archive: BinaryIO) -> Description:
    """What a backup says of itself. Raises ArchiveError."""
    archive.seek(0)
    first = _next_member(archive)
    if first is None or first.name != DESCRIPTION or first.size > _DESCRIPTION_BYTES:
        raise ArchiveError("is no backup of mcp-obs.")
    try:
        described = Description.model_validate_json(b"".join(first.blocks))
    except ValidationError as error:
        raise ArchiveError("has a description that this mcp-obs does not understand.") from error
    if described.format != FORMAT:
        raise ArchiveError("was made by a newer mcp-obs: upgrade this one.")
    return described


def members(archive: BinaryIO) -> Iterator[Member]:
    """Every file that belongs into the data folder. Raises ArchiveError; then no member before it is to be used."""
    archive.seek(0)
    names = _Names()
    lines: list[str] = []
    while (member := _next_member(archive)) and member.name != DIGESTS:
        digest = hashlib.sha256()
        hashed = Member(member.name, member.size, _seen(member.blocks, digest.update))
        if lines:
            names.add(member.name)
            yield hashed
        for _ in hashed.blocks:
            pass
        lines.append(digest_line(digest.hexdigest(), member.name))
    sums = "".join(lines).encode()
    if member is None or member.size != len(sums) or b"".join(member.blocks) != sums:
        raise ArchiveError("is damaged: a file in it is not what it was when the backup was taken.")
    if _next_member(archive):
        raise ArchiveError("has something behind its end.")
    names.check_whole()


class _Names:
    """The names seen, each a place of its own in the data folder."""

    def __init__(self) -> None:
        self._files = set[str]()
        self._folders = set[str]()

    def add(self, name: str) -> None:
        path = PurePosixPath(name)
        parents = {str(parent) for parent in path.parents}
        is_plain = str(path) == name and ".." not in path.parts and "\0" not in name
        if not is_plain or not (name == CONTROL or name.startswith(_FOLDERS)):
            raise ArchiveError(f"has a file that is none of mcp-obs's: {name[:100]!r}.")
        if name in self._files | self._folders or parents & self._files:
            raise ArchiveError(f"has two files in one place: {name[:100]!r}.")
        self._files.add(name)
        self._folders |= parents

    def check_whole(self) -> None:
        if CONTROL not in self._files:
            raise ArchiveError("has no control plane.")


def _seen(blocks: Iterator[bytes], see: Callable[[bytes], None]) -> Iterator[bytes]:
    for block in blocks:
        see(block)
        yield block


def _next_member(archive: BinaryIO) -> Member | None:
    """None at the end."""
    header = _next_header(archive)
    if header is None:
        return None
    name = header.name
    if header.type == tarfile.GNUTYPE_LONGNAME:
        name = _long_name(archive, header.size)
        header = _next_header(archive)
    if header is None or header.type != tarfile.REGTYPE or header.size < 0:
        raise ArchiveError(f"has something that is no file: {name[:100]!r}.")
    return Member(name, header.size, _content(archive, header.size))


def _next_header(archive: BinaryIO) -> tarfile.TarInfo | None:
    block = _exactly(archive, TAR_BLOCK)
    if block == bytes(TAR_BLOCK):
        if _exactly(archive, len(END) - TAR_BLOCK) + archive.read(1) != END[TAR_BLOCK:]:
            raise ArchiveError("has something behind its end.")
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise ArchiveError("is damaged, or no backup of mcp-obs.") from error


def _long_name(archive: BinaryIO, size: int) -> str:
    if not 0 < size <= _NAME_BYTES:
        raise ArchiveError("has a name that no file can have.")
    try:
        return b"".join(_content(archive, size)).removesuffix(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ArchiveError("has a name that is no text.") from error


def _content(archive: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        block = _exactly(archive, min(left, BLOCK_BYTES))
        left -= len(block)
        yield block
    if _exactly(archive, len(padding(size))) != padding(size):
        raise ArchiveError("is damaged.")


def _exactly(archive: BinaryIO, size: int) -> bytes:
    block = archive.read(size)
    if len(block) < size:
        raise ArchiveError("ends before its end: it was cut off, or declares more than it has.")
    return block
