"""A damaged or hostile file is refused whole, and leaves nothing behind."""

import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_obs_server.backup.archive import DESCRIPTION, DIGESTS, size_of, write
from mcp_obs_server.backup.description import Description
from mcp_obs_server.backup.entry import Entry
from mcp_obs_server.backup.errors import ArchiveError, RestoreError
from mcp_obs_server.backup.restoring import restore

FOLDER = "../store/abc/01234567-89ab-cdef-0123-456789abcdef"
DESCRIBED = Description(
    taken_at=datetime(2026, 3, 1, tzinfo=UTC), control_revision="0007", databases={"default": FOLDER}
)
LONG = f"telemetry/engine/store/abc/{'n' * 200}"
ENTRIES = [
    DESCRIBED.entry(),
    Entry.of("control.db", b"accounts"),
    Entry.of("spool/traces/1.segment", b"s" * 700),
    Entry.of(LONG, b""),
]
WHOLE = b"".join(write(ENTRIES))


def restored(archive: bytes, folder: Path, progress: Callable[[int], object] = lambda _: None) -> Description:
    return restore(io.BytesIO(archive), folder, {"0007"}, progress)


def with_entries(*entries: Entry) -> bytes:
    return b"".join(write([*ENTRIES, *entries]))


def with_header(info: tarfile.TarInfo, content: bytes = b"") -> bytes:
    """A member that our own writer does not write, where the next one would stand."""
    before = sum(512 + -(-each.size // 512) * 512 for each in ENTRIES[:2])
    return (
        WHOLE[:before]
        + info.tobuf(tarfile.GNU_FORMAT)
        + content.ljust(-(-len(content) // 512) * 512, b"\0")
        + WHOLE[before:]
    )


def info(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.size, header.linkname = kind, size, link
    return header


def test_a_whole_archive_becomes_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert restored(WHOLE, folder) == DESCRIBED
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    del files["lock"]
    assert files == {entry.name: b"".join(entry.blocks()) for entry in ENTRIES[1:]}
    assert str((folder / "telemetry/engine/metadata/default").readlink()) == FOLDER
    assert {path.stat().st_mode & 0o077 for path in folder.glob("*") if path.is_file()} == {0}
    assert len(WHOLE) == size_of(ENTRIES)


def test_any_tar_reads_it(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as archive:
        assert archive.getnames() == [*(entry.name for entry in ENTRIES), DIGESTS]


@given(st.integers(0, len(WHOLE) - 1))
def test_an_archive_that_was_cut_off_is_refused(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "cut off"
    with pytest.raises(ArchiveError):
        restored(WHOLE[:length], folder)
    assert not folder.exists()


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_every_changed_byte_is_found(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    with pytest.raises((ArchiveError, RestoreError)):
        restored(bytes(damaged), folder)
    assert not folder.exists()


HOSTILE = {
    "an absolute path": with_entries(Entry.of("/etc/passwd", b"")),
    "a way up": with_entries(Entry.of("spool/../../evil", b"")),
    "a name with a dot": with_entries(Entry.of("spool/./evil", b"")),
    "a program": with_entries(Entry.of("bin/evil", b"")),
    "a second control plane": with_entries(Entry.of("control.db", b"")),
    "a file in a file": with_entries(Entry.of("spool/traces/1.segment/x", b"")),
    "a file in a folder's place": with_entries(Entry.of("spool/traces", b"")),
    "no control plane": b"".join(write([ENTRIES[0]])),
    "another tar": b"".join(write([Entry.of("README", b"hello")])),
    "a description too large": b"".join(write([Entry.of(DESCRIPTION, b" " * 70_000)])),
    "a description of nonsense": b"".join(write([Entry.of(DESCRIPTION, b"{}")])),
    "a database's link out of the folder": b"".join(
        write(
            [
                Entry.of(DESCRIPTION, DESCRIBED.model_dump_json().replace(FOLDER, "/etc").encode()),
                *ENTRIES[1:],
            ]
        )
    ),
    "a database's name out of the folder": b"".join(
        write(
            [
                Entry.of(DESCRIPTION, DESCRIBED.model_dump_json().replace("default", "../x").encode()),
                *ENTRIES[1:],
            ]
        )
    ),
    "a symbolic link": with_header(info("spool/evil", tarfile.SYMTYPE, link="/etc")),
    "a hard link": with_header(info("spool/evil", tarfile.LNKTYPE, link="/etc/passwd")),
    "a device": with_header(info("spool/evil", tarfile.CHRTYPE)),
    "a pipe": with_header(info("spool/evil", tarfile.FIFOTYPE)),
    "a folder": with_header(info("spool/evil", tarfile.DIRTYPE)),
    "a sparse file": with_header(info("spool/evil", tarfile.GNUTYPE_SPARSE)),
    "more than there is": with_header(info("spool/evil", size=2**62)),
    "less than nothing": with_header(info("spool/evil", size=-512)),
    "a name of gigabytes": with_header(info("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2**32)),
    "a name without a file": with_header(info("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=1), b"x"),
    "a header for pax": with_header(info("spool/evil", tarfile.XHDTYPE, size=12), b"12 path=/etc"),
    "a name that is no text": with_header(info("spool/\udcff")),
    "something behind its end": WHOLE + b"x",
    "an empty file": b"",
}


@pytest.mark.parametrize("archive", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_backup_of_ours_is_refused_and_leaves_nothing(tmp_path: Path, archive: bytes) -> None:
    folder = tmp_path / "in" / "data"
    (tmp_path / "in").mkdir()
    with pytest.raises(ArchiveError):
        restored(archive, folder)
    folder.mkdir()
    with pytest.raises(ArchiveError):
        restored(archive, folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "data"]


def test_a_newer_backup_says_to_upgrade(tmp_path: Path) -> None:
    newer = (
        DESCRIBED.model_copy(update={"format": 2}),
        DESCRIBED.model_copy(update={"control_revision": "9999"}),
    )
    for described in newer:
        with pytest.raises((ArchiveError, RestoreError), match=r"newer.*upgrade"):
            restored(b"".join(write([described.entry(), *ENTRIES[1:]])), tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_a_restore_that_is_broken_off_half_way_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    read = 0

    def broken_off_in_the_second_reading(size: int) -> None:
        nonlocal read
        read += size
        if read > 708 + 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(WHOLE, tmp_path, broken_off_in_the_second_reading)
    assert not list(tmp_path.iterdir())
    assert restored(WHOLE, tmp_path) == DESCRIBED
