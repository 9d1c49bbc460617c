"""The dashboard's numbers are the same from the embedded engine and from a server."""

from datetime import UTC, datetime

import pytest

from mcp_obs_server.accounts.principal import OrgId
from mcp_obs_server.analytics.service import AnalyticsService
from mcp_obs_server.servers.service import ServerScope
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW


@pytest.fixture(params=["embedded_store", "server_store"])
def store(request: pytest.FixtureRequest) -> TelemetryStore:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def analytics(store: TelemetryStore) -> AnalyticsService:
    """At the time that the tests' exports are of."""
    return AnalyticsService(store, lambda: datetime.fromtimestamp(NOW / 1e9, UTC))


@pytest.fixture
def scope(org_id: int) -> ServerScope:
    """The first server of the test's organisation."""
    return ServerScope(OrgId(org_id), 1)
