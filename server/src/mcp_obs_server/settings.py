"""The settings: built once, passed in. Nothing else reads the environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From arguments, then from `MCP_OBS_*` variables, then these defaults."""

    model_config = SettingsConfigDict(env_prefix="MCP_OBS_", frozen=True)

    data_dir: Path = Field(default=Path("mcp-obs-data"), description="Where everything is kept.")
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(
        default=4318, ge=0, le=65535, description="The port for OTLP/HTTP, the API and the dashboard."
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="The address that browsers use, when a proxy stands in front.",
    )
    retention_days: int = Field(default=30, ge=1, le=3650, description="How long spans are kept.")
    max_body_bytes: int = Field(
        default=64 * 2**20,
        ge=1024,
        description="The largest export, as sent and inflated (OTLP recommends 64 MiB).",
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

    @property
    def retention(self) -> timedelta:
        """How long spans are kept."""
        return timedelta(days=self.retention_days)
