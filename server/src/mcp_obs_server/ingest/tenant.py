"""Whose an export is, as ingest sees it."""

from typing import Protocol


class Tenant(Protocol):
    """From a checked API key."""

    @property
    def org_id(self) -> int: ...
    @property
    def server_id(self) -> int: ...
    @property
    def key_id(self) -> int: ...
    @property
    def retention_days(self) -> int | None:
        """How long the organisation keeps what it sends; None as long as the server does."""
        ...
