import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane import control
from mcp_obs_server.store import TelemetryStore
from otlp_door import Door, open_door

__all__ = ["control", "door", "now_door"]


@pytest.fixture
async def door(tmp_path: Path, store: TelemetryStore, org_id: int) -> AsyncIterator[Door]:
    """A running receiver of a new organisation."""
    async with open_door(tmp_path, store, org_id) as door:
        yield door


@pytest.fixture
async def now_door(tmp_path: Path, store: TelemetryStore, org_id: int) -> AsyncIterator[Door]:
    """The same on the machine's clock, for senders that read theirs."""
    async with open_door(tmp_path, store, org_id, now=time.time_ns) as door:
        yield door
