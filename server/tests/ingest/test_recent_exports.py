import os
from pathlib import Path

import pytest

from full_disk import Uncuttable, file_size_limit
from mcp_obs_server.ingest import recent_exports
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.kit import durable_file


def digests(start: int, count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(start, start + count)]


def test_what_was_remembered_is_known_after_a_restart(tmp_path: Path) -> None:
    RecentExports(tmp_path).remember(digests(0, 3))
    again = RecentExports(tmp_path)
    assert [each in again for each in digests(0, 4)] == [True, True, True, False]


def test_the_oldest_are_forgotten_so_that_memory_and_disk_stay_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_exports, "GENERATION", 10)
    recent = RecentExports(tmp_path)
    for start in range(0, 100, 5):
        recent.remember(digests(start, 5))
    assert sum(each in recent for each in digests(0, 100)) == 20
    assert all(each in recent for each in digests(80, 20))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 20 * 16


def test_the_files_are_durable_under_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_exports, "GENERATION", 2)
    durable: dict[str, int] = {}
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        durable.clear()
        durable.update({each.name: each.inode() for each in os.scandir(descriptor)})

    monkeypatch.setattr(os, "fsync", note)
    recent = RecentExports(tmp_path)
    for start in range(8):
        recent.remember(digests(start, 1))
        assert durable == {each.name: each.stat().st_ino for each in tmp_path.iterdir()}
    assert len(durable) == 2


def test_half_a_digest_at_the_end_of_the_file_is_cut_off(tmp_path: Path) -> None:
    recent = RecentExports(tmp_path)
    recent.remember(digests(0, 2))
    file = tmp_path / "recent-digests"
    file.write_bytes(file.read_bytes() + b"torn")
    again = RecentExports(tmp_path)
    again.remember(digests(5, 1))
    assert all(each in RecentExports(tmp_path) for each in [*digests(0, 2), *digests(5, 1)])


def test_half_a_digest_of_an_append_that_failed_shifts_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = RecentExports(tmp_path)
    recent.remember(digests(0, 2))
    monkeypatch.setattr(durable_file, "FileIO", Uncuttable)
    with file_size_limit(40), pytest.raises(OSError, match="File too large"):
        recent.remember(digests(10, 2))
    recent.remember(digests(20, 2))
    assert all(each in RecentExports(tmp_path) for each in [*digests(0, 2), *digests(20, 2)])


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    recent = RecentExports(tmp_path)
    recent.remember(digests(0, 4))
    with file_size_limit(100), pytest.raises(OSError, match="File too large"):
        recent.remember(digests(10, 4))
    recent.remember(digests(20, 4))
    again = RecentExports(tmp_path)
    assert all(each in again for each in [*digests(0, 4), *digests(20, 4)])
    assert not any(each in again for each in digests(10, 4))
