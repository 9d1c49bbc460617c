import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from full_disk import Uncuttable, file_size_limit
from mcp_obs_server.ingest import spool as spool_module
from mcp_obs_server.ingest.envelope import digest, frame, whole_frames
from mcp_obs_server.ingest.spool import Spool

BODIES = [b"first", b"", b"x" * 300]
OF_AN_EARLIER_VERSION = (
    "34080710ac0229000000000000000031ffffffffffffffff3d74bb72bf1a04626f64792210c960988afe7d26"
    "4fd1031410cfbcbae0"
)


def frames(bodies: list[bytes]) -> tuple[list[tuple[bytes, bytes, bytes]], list[bytes]]:
    """Every second one is kept otherwise than it was sent."""
    digests = [digest(7, 300, body, b"sent" * (number % 2)) for number, body in enumerate(bodies)]
    return [
        frame(7, 300, body, digests[number], is_as_sent=number % 2 == 0) for number, body in enumerate(bodies)
    ], digests


def test_a_sealed_segment_holds_every_frame_and_survives_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    parts, digests = frames(BODIES)
    spool.append(parts[:1], digests[:1])
    spool.append(parts[1:], digests[1:])
    segment = spool.seal()
    assert segment is not None
    assert segment.digests == tuple(digests)
    assert [each.digest for each in whole_frames(segment.path.read_bytes())] == digests
    assert Spool(tmp_path).recover() == [segment]


def test_an_open_segment_is_recovered_after_a_crash(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "running")
    parts, digests = frames(BODIES)
    spool.append(parts, digests)
    left_behind = shutil.copytree(tmp_path / "running", tmp_path / "left behind")
    (segment,) = Spool(left_behind).recover()
    assert segment.digests == tuple(digests)
    spool.seal()


def test_sealing_nothing_gives_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    assert Spool(tmp_path).seal() is None
    assert list(tmp_path.iterdir()) == []


def test_segments_are_recovered_in_the_order_they_were_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    written: list[bytes] = []
    for number in range(5):
        parts, digests = frames([b"%d" % number])
        spool.append(parts, digests)
        spool.seal()
        written.extend(digests)
    assert [each for segment in Spool(tmp_path).recover() for each in segment.digests] == written


def test_a_removed_segment_does_not_come_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(*frames(BODIES))
    segment = spool.seal()
    assert segment is not None
    spool.remove(segment)
    assert Spool(tmp_path).recover() == []


def test_a_torn_write_is_cut_off_at_every_possible_length_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parts, digests = frames(BODIES)
    whole = b"".join(b"".join(each) for each in parts)
    ends = [each.end for each in whole_frames(whole)]
    for length in range(len(whole) + 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "1.segment").write_bytes(whole[:length])
        caplog.clear()
        recovered = Spool(folder).recover()
        kept = sum(end <= length for end in ends)
        cut = length - [0, *ends][kept]
        said = f"The last {cut} bytes of {folder / '1.segment'} are no whole export and were cut"
        assert (said in caplog.text) == bool(cut)
        assert bool(caplog.text) == bool(cut)
        assert [each for segment in recovered for each in segment.digests] == digests[:kept]
        assert [segment.path.stat().st_size for segment in recovered] == ([ends[kept - 1]] if kept else [])


@given(st.binary(max_size=200))
def test_bytes_that_never_were_a_frame_are_not_taken_for_one(junk: bytes) -> None:
    assert list(whole_frames(junk)) == []


def test_a_flipped_bit_ends_the_segment_before_the_damaged_frame(tmp_path: Path) -> None:
    parts, digests = frames([b"good", b"damaged"])
    data = bytearray(b"".join(b"".join(each) for each in parts))
    data[len(b"".join(parts[0])) + 10] ^= 1
    (tmp_path / "1.segment").write_bytes(data)
    (segment,) = Spool(tmp_path).recover()
    assert segment.digests == (digests[0],)


def test_a_flipped_bit_in_a_digest_is_seen() -> None:
    body, sent = b"kept", digest(7, 300, b"sent")
    head, _, tail = frame(7, 300, body, sent, is_as_sent=False)
    (whole,) = whole_frames(head + body + tail)
    assert (whole.body, whole.digest) == (body, sent)
    for position in range(len(tail)):
        damaged = bytearray(tail)
        damaged[position] ^= 1
        assert list(whole_frames(head + body + bytes(damaged))) == []


def test_what_a_version_left_that_kept_no_digest_of_what_was_sent_is_read(tmp_path: Path) -> None:
    (tmp_path / "1.segment").write_bytes(bytes.fromhex(OF_AN_EARLIER_VERSION))
    (segment,) = Spool(tmp_path).recover()
    assert segment.digests == (digest(7, 300, b"body"),)


def test_a_full_disk_leaves_only_whole_frames(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    parts, digests = frames([b"fits", b"y" * 4096])
    spool.append(parts[:1], digests[:1])
    with file_size_limit(1000), pytest.raises(OSError, match="File too large"):
        spool.append(parts[1:], digests[1:])
    spool.append(parts[1:], digests[1:])
    segment = spool.seal()
    assert segment is not None
    assert [each.digest for each in whole_frames(segment.path.read_bytes())] == digests
    assert list(tmp_path.iterdir()) == [segment.path]


def test_behind_what_could_not_be_taken_back_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "FileIO", Uncuttable)
    spool = Spool(tmp_path)
    parts, digests = frames([b"fits", b"y" * 4096, b"next"])
    spool.append(parts[:1], digests[:1])
    with file_size_limit(1000), pytest.raises(OSError, match="File too large"):
        spool.append(parts[1:2], digests[1:2])
    torn = spool.seal()
    spool.append(parts[2:], digests[2:])
    whole = spool.seal()
    assert torn
    assert whole
    assert torn.path.stat().st_size == 1000
    assert spool.batch(torn, frozenset()) == b"".join(parts[0])
    assert spool.batch(whole, frozenset()) == whole.path
    assert (torn.digests, whole.digests) == ((digests[0],), (digests[2],))


def test_a_file_with_nothing_but_what_could_not_be_taken_back_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "FileIO", Uncuttable)
    spool = Spool(tmp_path)
    with file_size_limit(100), pytest.raises(OSError, match="File too large"):
        spool.append(*frames(BODIES))
    assert spool.seal() is None
    assert list(tmp_path.iterdir()) == []


def test_half_of_a_group_behind_whole_ones_is_in_no_part(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(*frames(BODIES))
    segment = spool.seal()
    assert segment
    with segment.path.open("ab") as file:
        file.write(b"half")
    first, second = spool.split(segment)
    assert first.size + second.size == segment.size


def test_a_file_whose_name_could_not_be_made_durable_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    durable: list[str] = []
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        raise OSError("the disk is broken")

    def note(descriptor: int) -> None:
        fsync(descriptor)
        durable.extend(os.listdir(descriptor))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="broken"):
        spool.append(*frames(BODIES))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "fsync", note)
    spool.append(*frames(BODIES))
    segment = spool.seal()
    assert segment
    assert durable == [segment.path.name]


def test_two_spools_that_start_in_the_same_tick_have_different_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    tokens: set[str] = set()
    for name in ("one", "two"):
        spool = Spool(tmp_path / name)
        spool.append(*frames(BODIES))
        segment = spool.seal()
        assert segment
        tokens.add(segment.token)
    assert len(tokens) == 2


def written(folder: Path, *server_ids: int) -> list[bytes]:
    digests = [digest(1, server_id, b"body") for server_id in server_ids]
    spool = Spool(folder)
    spool.append(
        [frame(1, server_id, b"body", each) for server_id, each in zip(server_ids, digests, strict=True)],
        digests,
    )
    spool.seal()
    return digests


DELETED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def begun_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """The next segments' names say this."""
    monkeypatch.setattr(time, "time_ns", lambda: int(moment.timestamp()) * 10**9)


def test_exports_of_named_servers_are_taken_out_of_every_file_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_at(monkeypatch, DELETED)
    _, theirs = written(tmp_path, 1, 2)
    written(tmp_path, 1)
    written(tmp_path / "refused", 1)
    (untouched,) = written(tmp_path, 3)
    again = Spool(tmp_path)
    assert again.remove_servers({1: DELETED}) == {1: 3}
    assert {each for segment in again.recover() for each in segment.digests} == {theirs, untouched}
    assert not any((tmp_path / "refused").iterdir())
    assert not again.is_empty
    assert again.remove_servers({2: DELETED, 3: DELETED}) == {2: 1, 3: 1}
    assert again.is_empty


def test_what_was_begun_after_a_deletion_was_finished_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_at(monkeypatch, DELETED + timedelta(seconds=1))
    kept = written(tmp_path, 1)
    spool = Spool(tmp_path)
    assert not spool.remove_servers({1: DELETED})
    assert [list(segment.digests) for segment in spool.recover()] == [kept]


def test_what_a_crash_left_of_a_file_that_was_written_anew_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "refused" / "1.new"
    left.parent.mkdir()
    left.touch()
    assert Spool(tmp_path).recover() == []
    assert not left.exists()
    left.touch()
    Spool(tmp_path).remove_servers({})
    assert not left.exists()


def test_a_spool_whose_only_file_could_never_be_written_is_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with file_size_limit(0), pytest.raises(OSError, match="File too large"):
        spool.append(*frames(BODIES))
    assert spool.seal() is None
    assert list(tmp_path.glob("*.segment"))
    assert spool.is_empty
    spool.append(*frames(BODIES))
    assert spool.seal()
    assert not spool.is_empty
