"""Everything about the store is true of the embedded engine, of a server and of a cluster."""

from collections.abc import Iterator

import pytest

from mcp_obs_server.store import TelemetryStore
from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.location import StoreLocation


@pytest.fixture(params=["embedded", "server", "cluster"])
def kind(request: pytest.FixtureRequest) -> str:
    """All three, one after the other."""
    return request.param


@pytest.fixture
def store(request: pytest.FixtureRequest, kind: str) -> TelemetryStore:
    """The store of this kind."""
    return request.getfixturevalue(f"{kind}_store")


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, org_id: int) -> Iterator[Engine]:
    """A connection whose database is new."""
    location: StoreLocation = request.getfixturevalue(f"{kind}_location")
    engine = Engine.connect(location)
    engine.use("system")
    engine.command(f"CREATE DATABASE test_{org_id}")
    engine.use(f"test_{org_id}")
    yield engine
    engine.command(f"DROP DATABASE test_{org_id}")
    engine.close()
