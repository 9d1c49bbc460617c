"""What happened since the start, counted where it happens and read when somebody asks for metrics."""

from dataclasses import dataclass, field

from mcp_obs_server.kit.histogram import Histogram


@dataclass
class Acknowledged:
    """What one server sent of one signal and was told to be durable, repeated exports included."""

    exports: int = 0
    items: int = 0
    bytes: int = 0

    def add(self, items: int, size: int) -> None:
        """Count one export."""
        self.exports += 1
        self.items += items
        self.bytes += size


@dataclass
class CommitTotals:
    """One signal's way from the spool into the engine."""

    duplicates: int = 0
    """Exports that were acknowledged and not stored again."""
    inserted_bytes: int = 0
    insert_failures: int = 0
    """Inserts that the engine did not take and that are tried again."""
    refused_exports: int = 0
    """Exports that the engine can't read, set apart in the spool's folder."""
    append_seconds: Histogram = field(default_factory=Histogram)
    """Writing and syncing a group of exports."""
    insert_seconds: Histogram = field(default_factory=Histogram)
