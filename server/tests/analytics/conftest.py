"""The dashboard's numbers are the same from the embedded engine and from a server."""

import pytest

from mcp_obs_server.store import TelemetryStore


@pytest.fixture(params=["embedded_store", "server_store"])
def store(request: pytest.FixtureRequest) -> TelemetryStore:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)
