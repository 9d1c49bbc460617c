"""One store for the whole run: the embedded engine takes one folder a process."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from mcp_obs_server.store import TelemetryStore

_org_ids = count(1000)


@pytest.fixture(scope="session")
def telemetry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared store is."""
    return tmp_path_factory.mktemp("telemetry")


@pytest.fixture(scope="session")
def store(telemetry_folder: Path) -> Iterator[TelemetryStore]:
    """A real store, shared by every test; `org_id` keeps their rows apart."""
    # Tests write at fixed times, which must not age out while the calendar goes on.
    store = TelemetryStore.open(telemetry_folder, retention=timedelta(days=3_650))
    yield store
    store.close()


@pytest.fixture
def org_id() -> int:
    """An organisation that no other test writes to."""
    return next(_org_ids)
