"""What a sender is charged for an export, in inflated bytes; without limits, nothing."""

from dataclasses import dataclass

from mcp_obs_server.ingest.daily_quota import DailyQuota
from mcp_obs_server.ingest.key_rate import KeyRate
from mcp_obs_server.ingest.tenant import Tenant


@dataclass(frozen=True)
class Limits:
    """Those that are set."""

    key_rate: KeyRate | None = None
    quota: DailyQuota | None = None

    def charge(self, tenant: Tenant, size: int) -> None:
        """Raises RateLimited, QuotaExceeded or ExportTooLarge; then nothing was charged to the day."""
        if self.key_rate:
            self.key_rate.charge(tenant.key_id, size)
        if self.quota:
            self.quota.charge(tenant.org_id, size)

    def refund(self, tenant: Tenant, size: int) -> None:
        """The export was refused: the day's quota is for what was kept; the rate is for what was sent."""
        if self.quota:
            self.quota.refund(tenant.org_id, size)
