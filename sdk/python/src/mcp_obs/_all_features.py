"""Everything around an MCP server by one call."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypedDict

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from mcp_obs import semconv
from mcp_obs._configure import configure_mcp_telemetry
from mcp_obs._features import Step, TelemetryAdapter
from mcp_obs._oauth import OAuthAdapter
from mcp_obs._privacy.settings import Privacy
from mcp_obs._users import Identify
from mcp_obs.sampling import Sampler


class TelemetrySettings(TypedDict, total=False):
    """The arguments of configure_mcp_telemetry."""

    api_key: str | None
    endpoint: str | None
    server_name: str | None
    enabled: bool | None
    metrics: bool | Collection[str] | None
    privacy: Privacy | str | None
    sampler: Sampler | str | None
    user_claim: str | None
    user_id_key: str | None
    identify: Identify | None
    exporter: str | Collection[str] | None
    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None


@dataclass(frozen=True)
class SupportAdapter:
    """What a support tool records: tickets."""

    telemetry: TelemetryAdapter = field(default_factory=TelemetryAdapter)

    @contextmanager
    def ticket(self, user_id: str | None = None) -> Generator[Step]:
        """A ticket that is being filed, of whom; what it says is not recorded."""
        with self.telemetry.step(semconv.FEATURE_SUPPORT, semconv.FEATURE_STEP_TICKET) as step:
            if user_id is not None:
                step.identify(user_id)
            yield step


@dataclass(frozen=True)
class MCPFeatures:
    """What the features of a server record with; None is a feature that it has not."""

    telemetry: TelemetryAdapter
    oauth: OAuthAdapter | None
    support: SupportAdapter | None


def create_telemetry_adapter() -> TelemetryAdapter:
    """What a feature records its steps, counts and errors with, wherever telemetry goes at that time."""
    return TelemetryAdapter()


def create_oauth_adapter(provider: Any = None, *, telemetry: TelemetryAdapter | None = None) -> OAuthAdapter:
    """What an OAuth flow records with. A `provider`, or a token verifier, of mcp or fastmcp is observed at once."""
    adapter = OAuthAdapter(telemetry or create_telemetry_adapter())
    if provider is not None:
        adapter.observe(provider)
    return adapter


def configure_all_mcp_features(
    telemetry: TelemetrySettings | None = None, oauth: Any = None, support: bool = False
) -> MCPFeatures:
    """Configure telemetry, and record the other features with it. Nothing is ever raised.

    Args:
        telemetry: The arguments of configure_mcp_telemetry; without them the environment decides.
        oauth: The server's OAuth provider or token verifier, of mcp or fastmcp: its sign-ins, token
            refreshes and introspections are recorded.
        support: Whether the server takes support tickets.
    """
    configure_mcp_telemetry(**(telemetry or {}))
    adapter = create_telemetry_adapter()
    return MCPFeatures(
        telemetry=adapter,
        oauth=create_oauth_adapter(oauth, telemetry=adapter) if oauth is not None else None,
        support=SupportAdapter(adapter) if support else None,
    )
