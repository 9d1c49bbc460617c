"""What is acknowledged is stored, once, whatever the engine does."""

import asyncio
import os
import shutil
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import httpx2
import pytest
from google.rpc.status_pb2 import Status

from faulty_store import FaultyStore
from full_disk import Uncuttable, file_size_limit
from mcp_obs_server.ingest import committer as committer_module
from mcp_obs_server.ingest import spool as spool_module
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest, frame, whole_frames
from mcp_obs_server.ingest.errors import ExportTooLarge, Overloaded
from mcp_obs_server.ingest.recent_exports import RecentExports
from mcp_obs_server.ingest.spool import Segment, Spool
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.store import BatchRefusedError, TelemetryStore
from otlp_door import KEY, Door, Tenant, open_door
from otlp_exports import NOW, SECOND, export
from waiting import until


def an_export(org_id: int, seed: int, spans: int = 3) -> Export:
    body = export(spans, seed=seed, start=NOW - 600 * SECOND).SerializeToString()
    return Export(org_id, 1, body, digest(org_id, 1, body))


async def stored(store: TelemetryStore, org_id: int) -> tuple[int, int, float]:
    """Spans, different spans, and calls in the rollup."""
    sql = (
        "SELECT count() AS spans, uniqExact(span_id) AS different,"
        " (SELECT sum(calls) FROM operations_15m WHERE grain = 'server' AND org_id = {org_id:UInt32}) AS calls"
        " FROM spans WHERE org_id = {org_id:UInt32}"
    )
    (row,) = await store.rows(sql, {"org_id": org_id})
    return row["spans"], row["different"], row["calls"]


async def opened(
    folder: Path, store: TelemetryStore | FaultyStore, spool_max_bytes: int = 2**20
) -> Committer:
    committer = Committer(
        Spool(folder, partial(rewritten, TRACES)),
        RecentExports(folder),
        partial(store.insert, "traces"),
        Budget(spool_max_bytes, "The spool is full: try again later."),
    )
    await committer.start()
    return committer


async def test_exports_that_come_together_are_all_stored(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path, store)
    await asyncio.gather(*(committer.commit(an_export(org_id, seed)) for seed in range(1, 41)))
    await committer.stop()
    assert await stored(store, org_id) == (120, 120, 120)
    assert list(tmp_path.glob("*.segment")) == []


async def test_the_same_export_sent_at_once_later_and_after_a_restart_is_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path, store)
    await asyncio.gather(*(committer.commit(an_export(org_id, 1)) for _ in range(10)))
    await committer.stop()
    again = await opened(tmp_path, store)
    await again.commit(an_export(org_id, 1))
    await again.stop()
    assert await stored(store, org_id) == (3, 3, 3)


async def test_while_the_engine_is_away_exports_are_kept_until_the_spool_is_full_and_then_refused(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty = FaultyStore(store)
    faulty.refuses.set()
    committer = await opened(tmp_path, faulty, spool_max_bytes=3_000)
    acknowledged = 0
    with pytest.raises(Overloaded, match="try again"):
        while acknowledged < 1000:
            await committer.commit(an_export(org_id, acknowledged + 1))
            acknowledged += 1
    assert sum(file.stat().st_size for file in tmp_path.glob("*.segment")) <= 3_000
    await asyncio.to_thread(faulty.asked.wait, 10)
    await committer.stop()
    assert (await stored(store, org_id))[0] == 0
    faulty.refuses.clear()
    again = await opened(tmp_path, faulty, spool_max_bytes=3_000)
    await again.stop()
    assert await stored(store, org_id) == (3 * acknowledged, 3 * acknowledged, 3 * acknowledged)


async def test_what_the_engine_could_not_take_is_handed_to_it_in_the_order_in_which_it_came(
    tmp_path: Path, store: TelemetryStore, org_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer_module, "SEGMENT_BYTES", 1)
    faulty = FaultyStore(store)
    faulty.refuses.set()
    committer = await opened(tmp_path, faulty)
    exports = [an_export(org_id, seed) for seed in range(1, 6)]
    for each in exports:
        await committer.commit(each)
    await committer.stop()
    handed_over: list[bytes] = []

    class Noting(FaultyStore):
        def insert(self, signal: str, batch: bytes | Path, token: str) -> None:
            data = batch if isinstance(batch, bytes) else batch.read_bytes()
            handed_over.extend(each.digest for each in whole_frames(data))
            super().insert(signal, batch, token)

    again = await opened(tmp_path, Noting(store))
    await again.stop()
    assert handed_over == [each.digest for each in exports]
    assert await stored(store, org_id) == (15, 15, 15)


async def test_what_is_acknowledged_is_on_disk_with_its_name_and_not_only_in_the_system_s_memory(
    tmp_path: Path, store: TelemetryStore, org_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable_bytes, durable_names = dict[int, int](), set[str]()
    fdatasync, fsync = os.fdatasync, os.fsync

    def sync_data(descriptor: int) -> None:
        fdatasync(descriptor)
        file = os.fstat(descriptor)
        durable_bytes[file.st_ino] = file.st_size

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        if os.path.samestat(os.fstat(descriptor), tmp_path.stat()):
            durable_names.update(os.listdir(descriptor))

    monkeypatch.setattr(os, "fdatasync", sync_data)
    monkeypatch.setattr(os, "fsync", sync)
    faulty = FaultyStore(store)
    faulty.refuses.set()
    committer = await opened(tmp_path, faulty)
    for seed in range(1, 4):
        await committer.commit(an_export(org_id, seed))
        for segment in tmp_path.glob("*.segment"):
            assert segment.name in durable_names
            assert durable_bytes[segment.stat().st_ino] == segment.stat().st_size > 0
    await committer.stop()
    assert durable_bytes


async def test_what_is_linked_while_inserts_pause_is_all_that_was_acknowledged_and_nothing_later(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path / "spool", store)
    before, later = an_export(org_id, 1), an_export(org_id, 2)
    async with committer.paused():
        await committer.commit(before)
        linked = await committer.link_spool(tmp_path / "links")
        await committer.commit(later)
    await committer.stop()
    copied = tmp_path / "copied"
    copied.mkdir()
    for name, link, size in linked:
        (copied / name).write_bytes(link.read_bytes()[:size])
    assert [segment.digests for segment in Spool(copied).recover()] == [(before.digest,)]
    assert await stored(store, org_id) == (6, 6, 6)


async def test_an_insert_whose_answer_got_lost_is_repeated_and_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty = FaultyStore(store)
    faulty.lies_once.set()
    committer = await opened(tmp_path, faulty)
    await committer.commit(an_export(org_id, 1))
    await committer.stop()
    again = await opened(tmp_path, faulty)
    await again.stop()
    assert await stored(store, org_id) == (3, 3, 3)


def spooled(folder: Path, *exports: Export) -> Segment:
    """What a process left that did not store it."""
    spool = Spool(folder)
    spool.append(
        [frame(each.org_id, each.server_id, each.body, each.digest) for each in exports],
        [each.digest for each in exports],
    )
    segment = spool.seal()
    assert segment
    return segment


async def test_a_segment_that_was_stored_and_came_back_by_a_crash_is_not_inserted_again(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    segment = spooled(tmp_path, an_export(org_id, 1), an_export(org_id, 2))
    RecentExports(tmp_path).remember(segment.digests)
    faulty = FaultyStore(store)
    committer = await opened(tmp_path, faulty)
    await committer.stop()
    assert not faulty.asked.is_set()
    assert (committer.waiting_bytes, committer.totals.duplicates) == (0, 2)
    assert list(tmp_path.glob("*.segment")) == []


async def test_an_export_in_two_segments_is_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    spooled(tmp_path, an_export(org_id, 1))
    spooled(tmp_path, an_export(org_id, 1), an_export(org_id, 2))
    committer = await opened(tmp_path, store)
    await committer.stop()
    assert await stored(store, org_id) == (6, 6, 6)


def sent(org_id: int, span: bytes) -> Export:
    """A span in these bytes, which did not pass admission."""
    body = span
    for tag in (b"\x12", b"\x12", b"\x0a"):
        body = tag + bytes((len(body),)) + body
    return Export(org_id, 1, body, digest(org_id, 1, body))


def unreadable_export(org_id: int) -> Export:
    """Bytes that are no protobuf: a trace id that ends behind the span."""
    return sent(org_id, b"\x0a\x7f" + b"T" * 16)


def oddly_written_export(org_id: int) -> Export:
    """Legal protobuf that the engine refuses: the name is there as a number too, which parsers put aside."""
    span = export(1, seed=77, start=NOW - 600 * SECOND).resource_spans[0].scope_spans[0].spans[0]
    del span.attributes[:]
    return sent(org_id, span.SerializeToString() + b"\x28\x07")


async def test_an_export_that_the_engine_can_not_read_is_set_apart_and_the_others_are_stored(
    tmp_path: Path, store: TelemetryStore, org_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    committer = await opened(tmp_path, store)
    exports = [an_export(org_id, seed) for seed in range(1, 8)]
    exports.insert(3, unreadable_export(org_id))
    await asyncio.gather(*map(committer.commit, exports))
    await committer.commit(an_export(org_id, 8))
    await committer.stop()
    assert await stored(store, org_id) == (24, 24, 24)
    (refused,) = (tmp_path / "refused").iterdir()
    assert unreadable_export(org_id).body in refused.read_bytes()
    assert list(tmp_path.glob("*.segment")) == []
    assert "can't read an export" in caplog.text


async def test_what_was_set_aside_is_stored_once_when_it_is_put_back_for_an_engine_that_can_read_it(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    whose: list[tuple[int, int]] = []

    def refuse(batch: bytes | Path, token: str) -> None:
        raise BatchRefusedError("an earlier version's")

    committer = Committer(
        Spool(tmp_path),
        RecentExports(tmp_path),
        refuse,
        Budget(2**20, "full"),
        note_unreadable=lambda org_id, server_id: whose.append((org_id, server_id)),
    )
    await committer.start()
    exports = [an_export(org_id, 1), an_export(org_id, 2)]
    await asyncio.gather(*map(committer.commit, exports))
    await committer.stop()
    assert whose == [(org_id, 1)] * 2
    set_aside = list((tmp_path / "refused").iterdir())
    assert len(set_aside) == 2
    for path in set_aside:
        path.replace(tmp_path / path.name)
    newer = await opened(tmp_path, store)
    await newer.commit(exports[0])
    await newer.stop()
    again = await opened(tmp_path, store)
    await again.commit(exports[1])
    await again.stop()
    assert await stored(store, org_id) == (6, 6, 6)
    assert list(tmp_path.rglob("*.segment")) == []


async def test_an_export_that_the_engine_refuses_as_it_was_sent_is_written_anew_and_stored_once(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path, store)
    exports = [an_export(org_id, 1), oddly_written_export(org_id), an_export(org_id, 2)]
    await asyncio.gather(*map(committer.commit, exports))
    await committer.stop()
    again = await opened(tmp_path, store)
    await again.commit(oddly_written_export(org_id))
    await again.stop()
    assert (await stored(store, org_id))[:2] == (7, 7)
    assert list(tmp_path.glob("*.segment")) == []
    assert not (tmp_path / "refused").exists()


async def test_an_export_that_was_written_anew_before_a_crash_is_stored_once_though_it_is_sent_again(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    odd = oddly_written_export(org_id)
    (part,) = Spool(tmp_path, partial(rewritten, TRACES)).split(spooled(tmp_path, odd))
    assert part.digests == (odd.digest,)
    # The crash: what was written anew is not in the engine yet.
    again = await opened(tmp_path, store)
    await again.commit(odd)
    await again.stop()
    assert await stored(store, org_id) == (1, 1, 0)


async def test_a_split_that_a_crash_cut_short_stores_nothing_twice(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    spooled(tmp_path / "second", an_export(org_id, 1), unreadable_export(org_id), an_export(org_id, 2))
    before = shutil.copytree(tmp_path / "second", tmp_path / "copy")
    again = await opened(tmp_path / "second", store)
    await again.stop()
    # The crash: the halves were stored, and the whole segment is still there.
    once_more = await opened(before, store)
    await once_more.stop()
    assert await stored(store, org_id) == (6, 6, 6)


async def test_a_split_that_stopped_before_the_whole_was_removed_stores_everything_once_and_empties_the_spool(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    segment = spooled(tmp_path, an_export(org_id, 1), unreadable_export(org_id), an_export(org_id, 2))
    whole = segment.path.read_bytes()
    first, second = (part.path for part in Spool(tmp_path).split(segment))
    # The crash: both names are there, the second's last bytes are not, and neither has the whole gone.
    segment.path.write_bytes(whole)
    second.write_bytes(second.read_bytes()[:-1])
    again = await opened(tmp_path, store)
    await again.stop()
    assert await stored(store, org_id) == (6, 6, 6)
    assert (again.waiting_bytes, again.totals.insert_failures, again.totals.refused_exports) == (0, 0, 1)
    assert not first.exists()
    assert list(tmp_path.glob("*.segment")) == []


async def test_a_sender_that_gives_up_does_not_take_the_others_with_it(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path, store)
    first = asyncio.create_task(committer.commit(an_export(org_id, 1)))
    second = asyncio.create_task(committer.commit(an_export(org_id, 1)))
    await asyncio.sleep(0)
    first.cancel()
    await second
    await committer.stop()
    assert await stored(store, org_id) == (3, 3, 3)


async def post(door: Door, body: bytes) -> httpx2.Response:
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/x-protobuf"}
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(door.url + "/v1/traces", content=body, headers=headers)


async def test_a_full_spool_answers_503_with_retry_after_over_http(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty = FaultyStore(store)
    faulty.refuses.set()
    insert = partial(faulty.insert, "traces")
    async with open_door(tmp_path, store, org_id, spool_max_bytes=3_000, insert=insert) as door:
        seeds = iter(range(1, 1000))
        while (response := await post(door, an_export(org_id, next(seeds)).body)).is_success:
            pass
        status = Status.FromString(response.content)
    assert (response.status_code, response.headers["retry-after"], status.code) == (503, "5", 14)


async def test_more_bytes_than_may_be_under_way_are_refused_with_503(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    body = export(3).SerializeToString()
    async with open_door(tmp_path, store, org_id, in_flight_bytes=3 * len(body)) as door:
        with door.receiver.passage(Tenant(org_id), TRACES) as another:
            another.hold(len(body))
            assert (await post(door, body)).status_code == 503
        assert (await post(door, body)).status_code == 200


async def test_an_export_that_would_never_fit_is_told_so(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    committer = await opened(tmp_path, store, spool_max_bytes=200)
    with pytest.raises(ExportTooLarge, match="over 100 bytes: send smaller batches"):
        await committer.commit(an_export(org_id, 1))
    await committer.stop()


async def test_one_organisation_fills_at_most_half_of_the_spool_and_others_are_taken_in(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty = FaultyStore(store)
    faulty.refuses.set()
    committer = await opened(tmp_path, faulty, spool_max_bytes=20_000)
    taken = 0
    with pytest.raises(Overloaded):
        while taken < 1000:
            await committer.commit(an_export(org_id, taken + 1))
            taken += 1
    on_disk = sum(file.stat().st_size for file in tmp_path.glob("*.segment"))
    assert 8_000 < on_disk <= 10_000
    await committer.commit(an_export(org_id + 500_000, 1))
    await committer.stop()
    # What waits after a restart is nobody's share, and still counts.
    again = await opened(tmp_path, faulty, spool_max_bytes=20_000)
    more = 0
    with pytest.raises(Overloaded):
        while more < 1000:
            await again.commit(an_export(org_id, 2000 + more))
            more += 1
    assert 0 < more < taken
    faulty.refuses.clear()
    await again.stop()
    assert (await stored(store, org_id))[0] == 3 * (taken + more)


async def test_what_the_engine_has_or_the_disk_refused_holds_no_room_any_more(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty, budget = FaultyStore(store), Budget(4_000, "full")
    committer = Committer(Spool(tmp_path), RecentExports(tmp_path), partial(faulty.insert, "traces"), budget)
    await committer.start()
    with file_size_limit(100), pytest.raises(Overloaded, match="can't write to its disk"):
        await committer.commit(an_export(org_id, 1))
    await committer.commit(an_export(org_id, 2))
    await committer.stop()
    budget.take(org_id, 2_000)


async def test_what_is_acknowledged_after_a_write_that_could_not_be_taken_back_is_stored(
    tmp_path: Path, store: TelemetryStore, org_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "FileIO", Uncuttable)
    committer = await opened(tmp_path, store)
    async with committer.paused():
        await committer.commit(an_export(org_id, 1))
        (segment,) = tmp_path.glob("*.segment")
        with file_size_limit(segment.stat().st_size + 100), pytest.raises(Overloaded):
            await committer.commit(an_export(org_id, 2))
        await committer.commit(an_export(org_id, 3))
    await committer.stop()
    assert await stored(store, org_id) == (6, 6, 6)
    assert (committer.waiting_bytes, list(tmp_path.glob("*.segment"))) == (0, [])
    assert not (tmp_path / "refused").exists()


class BrokenSpool(Spool):
    """A defect while a group is written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_asked = threading.Event()
        self.goes_on = threading.Event()

    def append(self, frames: Iterable[tuple[bytes, bytes, bytes]], digests: Iterable[bytes]) -> int:
        """Fail when the test wants it."""
        self.is_asked.set()
        self.goes_on.wait(10)
        raise RuntimeError("a defect")


async def test_when_the_writer_ends_by_a_defect_everybody_who_waits_is_refused(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    spool, budget = BrokenSpool(tmp_path), Budget(4_000, "full")
    committer = Committer(spool, RecentExports(tmp_path), partial(store.insert, "traces"), budget)
    await committer.start()
    first = asyncio.create_task(committer.commit(an_export(org_id, 1)))
    await asyncio.to_thread(spool.is_asked.wait, 10)
    others = [asyncio.create_task(committer.commit(an_export(org_id, seed))) for seed in (1, 2, 2)]
    await asyncio.sleep(0)
    spool.goes_on.set()
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Overloaded] * 4
    with pytest.raises(Overloaded, match="not working"):
        await committer.commit(an_export(org_id, 1))
    assert committer.waiting_bytes == 0
    budget.take(org_id, 2_000)
    with pytest.raises(RuntimeError, match="a defect"):
        await committer.stop()


async def test_when_the_inserter_ended_by_a_defect_exports_and_their_repeats_are_refused(
    tmp_path: Path, org_id: int
) -> None:
    def insert(batch: bytes | Path, token: str) -> None:
        raise RuntimeError("a defect")

    committer = Committer(Spool(tmp_path), RecentExports(tmp_path), insert, Budget(2**20, "full"))
    await committer.start()
    await committer.commit(an_export(org_id, 1))

    async def is_over() -> bool:
        return not committer.is_working

    await until(is_over)
    for seed in (1, 2):
        with pytest.raises(Overloaded, match="not working"):
            await committer.commit(an_export(org_id, seed))
    with pytest.raises(RuntimeError, match="a defect"):
        await committer.stop()


async def test_an_export_beside_a_flood_is_written_after_one_of_the_flood_s(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    faulty = FaultyStore(store)
    faulty.refuses.set()
    committer = await opened(tmp_path, faulty)
    flood = [asyncio.create_task(committer.commit(an_export(org_id, seed))) for seed in range(1, 41)]
    victim = asyncio.create_task(committer.commit(an_export(org_id + 500_000, 1)))
    await asyncio.gather(*flood, victim)
    await committer.stop()
    (segment,) = tmp_path.glob("*.segment")
    written = [frame.org_id for frame in whole_frames(segment.read_bytes())]
    assert written == [org_id, org_id + 500_000, *[org_id] * 39]
