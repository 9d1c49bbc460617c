"""The settings: built once, passed in. Nothing else reads the environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL

from mcp_obs_server.kit.database_url import file_url, parse_control_url
from mcp_obs_server.store.location import ClickHouse, StoreLocation, parse_store_url


class Settings(BaseSettings):
    """From arguments, then from `MCP_OBS_*` variables, then these defaults."""

    model_config = SettingsConfigDict(env_prefix="MCP_OBS_", frozen=True, hide_input_in_errors=True)

    data_dir: Path = Field(default=Path("mcp-obs-data"), description="Where everything is kept.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(
        default=4318, ge=0, le=65535, description="The port for OTLP/HTTP, the API and the dashboard."
    )
    grpc_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="The port for OTLP/gRPC. Not given, it is 4317, or any free one when `MCP_OBS_PORT` is 0.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="The address that browsers use, when a proxy stands in front.",
    )
    store: SecretStr | None = Field(
        default=None,
        description="Where telemetry is kept: `chdb:///folder` or `clickhouse(s)://user:password@host:port/database`, "
        "with `?cluster=NAME` for a cluster; unset: a folder in the data directory.",
    )
    control: SecretStr | None = Field(
        default=None,
        description="Where accounts, servers and API keys are kept: `postgresql://user:password@host:5432/database`, "
        "which [several processes](deployment.md#several-processes) may share, with `MCP_OBS_STORE` on a ClickHouse "
        "server; unset: `control.db` in the data directory.",
    )
    retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="The longest that what is sent is kept; [an organisation may choose less](data-lifecycle.md).",
    )
    max_body_bytes: int = Field(
        default=64 * 2**20,
        ge=1024,
        description="The largest export, as sent and inflated (OTLP recommends 64 MiB). Over gRPC, as sent, "
        "at most a 32nd of `MCP_OBS_MAX_IN_FLIGHT_BYTES`. Of any size it has room for some 45,000 spans with 8 "
        "attributes each.",
    )
    max_in_flight_bytes: int = Field(
        default=256 * 2**20,
        ge=1024,
        description="What all exports under way may hold in memory together, one organisation's at most half.",
    )
    spool_max_bytes: int = Field(
        default=2**30,
        ge=1024,
        description=(
            "What may wait on disk for the engine before exports are refused, one organisation's at most half."
        ),
    )
    key_bytes_per_second: int | None = Field(
        default=None,
        ge=1,
        description=(
            "How fast one API key may send, in inflated bytes, ten seconds' worth at once;"
            " more is answered with 429. Each process counts for itself. Unlimited when not set."
        ),
    )
    org_bytes_per_day: int | None = Field(
        default=None,
        ge=1,
        description=(
            "How much one organisation may send in a day of UTC, in inflated bytes;"
            " more is answered with 429. Unlimited when not set."
        ),
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="What a scraper has to send to read `/metrics`; without it nobody can.",
    )
    self_traces: bool = Field(
        default=False,
        description="Whether mcp-obs keeps traces of itself, under a server named `mcp-obs`.",
    )

    @field_validator("store")
    @classmethod
    def _store_is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse_store_url(url.get_secret_value())
        return url

    @field_validator("control")
    @classmethod
    def _control_is_a_url(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is not None:
            parse_control_url(url.get_secret_value())
            # A store that is wrong itself is told of by itself.
            if "store" in info.data and not _is_on_a_server(info.data["store"]):
                # Each process would delete in its own, and call it finished.
                raise ValueError(
                    "the embedded store can't be shared: set MCP_OBS_STORE=clickhouse://user:password@host/database"
                )
        return url

    @property
    def control_url(self) -> URL:
        """Where the control plane is."""
        if self.control is None:
            return file_url(self.data_dir)
        return parse_control_url(self.control.get_secret_value())

    @property
    def store_location(self) -> StoreLocation:
        """Where telemetry is kept."""
        if self.store is None:
            return self.data_dir / "telemetry"
        return parse_store_url(self.store.get_secret_value())

    @property
    def otlp_grpc_port(self) -> int:
        """Where OTLP/gRPC listens; 0 takes a free one."""
        return (4317 if self.port else 0) if self.grpc_port is None else self.grpc_port

    @property
    def max_grpc_message_bytes(self) -> int:
        """The largest gRPC message as sent."""
        # While one is read there must be room for the largest, and 16 senders of one organisation may be slow at once.
        return min(self.max_body_bytes, self.max_in_flight_bytes // 32)

    @property
    def retention(self) -> timedelta:
        """How long spans are kept."""
        return timedelta(days=self.retention_days)


def _is_on_a_server(store: SecretStr | None) -> bool:
    return store is not None and isinstance(parse_store_url(store.get_secret_value()), ClickHouse)
