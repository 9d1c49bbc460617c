"""Backups of this server, one at a time."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_obs_server.backup.entry import Entry
from mcp_obs_server.backup.snapshot import Spooling, clear, snapshot
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.errors import ConflictError
from mcp_obs_server.store import TelemetryStore

SHARED = (
    "Accounts and keys are in PostgreSQL, which has its own pg_dump. Stop every mcp-obs on it, which brings what waits"
    " into the telemetry store; then run pg_dump, and then ClickHouse's BACKUP: only while nothing writes are the two"
    " of one moment."
)


class BackupService:
    """The one door to backups."""

    def __init__(
        self,
        data_dir: Path,
        store: TelemetryStore,
        spools: Mapping[str, Spooling],
        clock: Clock,
        control_is_shared: bool = False,
    ) -> None:
        self._data_dir = data_dir
        self._store = store
        self._spools = spools
        self._clock = clock
        self._control_is_shared = control_is_shared
        self._is_taking = False
        if isinstance(store.location, Path):
            clear(data_dir, store.location)

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[list[Entry]]:
        """The members of a backup of this moment, held until the end.

        Raises ConflictError while there is another one or when a part is on a server of its own,
        StoreUnavailableError and OSError.
        """
        if self._control_is_shared:
            raise ConflictError(SHARED)
        engine = self._store.location
        if not isinstance(engine, Path):
            raise ConflictError(
                "The telemetry is on a ClickHouse server, which has its own BACKUP. Stop mcp-obs, back up the database"
                " there, and run `mcp-obs backup` on this server's folder: only then are the two of one moment."
            )
        if self._is_taking:
            raise ConflictError("Another backup is being taken: wait until it is done.")
        self._is_taking = True
        try:
            now = self._clock()
            async with snapshot(self._data_dir, engine, self._store, self._spools, now) as entries:
                yield entries
        finally:
            self._is_taking = False
