"""An export that is sent again is stored once, also when not the same of it would be kept then."""

from pathlib import Path

import pytest

from mcp_obs_server.ingest.senders import SAMPLE
from mcp_obs_server.store import TelemetryStore
from otlp_door import Door, open_door
from otlp_exports import NOW, SECOND, export
from otlp_ways import post

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNKNOWN_FIELD = b"\xf8\x07\x01"


class Clock:
    """A door's, which a test moves on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


async def send(door: Door, body: bytes) -> None:
    (await post(door, body)).raise_for_status()


@pytest.mark.parametrize(
    ("start", "kept"),
    [(NOW + HOUR - SECOND, 1), (NOW - 30 * DAY, 2)],
    ids=["in the future", "too old"],
)
async def test_an_export_on_both_sides_of_a_limit_is_stored_once_though_the_limit_moves_on(
    tmp_path: Path, store: TelemetryStore, org_id: int, start: int, kept: int
) -> None:
    clock = Clock()
    body = export(2, start=start + 1).SerializeToString()
    async with open_door(tmp_path, store, org_id, now=clock) as door:
        await send(door, body)
        clock.now += SECOND // 2
        await send(door, body)
        clock.now += MINUTE
        await send(door, body)
        assert len(await door.spans()) == kept


async def test_an_export_is_stored_once_though_its_sender_s_bytes_are_trusted_only_the_first_time(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    body = export(1, seed=100).SerializeToString() + UNKNOWN_FIELD
    async with open_door(tmp_path, store, org_id) as door:
        for seed in range(1, SAMPLE + 2):
            await send(door, export(1, seed).SerializeToString())
        await send(door, body)
        assert len(await door.spans()) == SAMPLE + 2
    async with open_door(tmp_path, store, org_id) as restarted:
        await send(restarted, body)
        assert len(await restarted.spans()) == SAMPLE + 2
