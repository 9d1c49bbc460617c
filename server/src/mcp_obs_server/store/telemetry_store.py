"""The store: batches in, rows out."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Self

from mcp_obs_server.store import insert_tokens
from mcp_obs_server.store.engine import Engine, Row
from mcp_obs_server.store.layout import LATCH, Layout
from mcp_obs_server.store.location import ClickHouse, StoreLocation
from mcp_obs_server.store.lock import FolderLock
from mcp_obs_server.store.migrations import create_database, migrate
from mcp_obs_server.store.retention import apply_retention
from mcp_obs_server.store.table_size import SQL as TABLE_SIZES
from mcp_obs_server.store.table_size import TableSize

log = logging.getLogger(__name__)

# More readers than cores would only queue inside the engine.
_READERS = 4

# Each signal's table that decodes and stores nothing, and the message of otlp.proto that it reads.
_MESSAGES = {"traces": "TracesEnvelope", "metrics": "MetricsEnvelope", "logs": "LogsEnvelope"}
_COLUMNS = ("org_id", "server_id", "oldest", "newest", "request")
_SCHEMA = Path(__file__).with_name("otlp.proto")

_INSERT_SETTINGS = {
    # Tells 0, false and '' from absent.
    "input_format_protobuf_oneof_presence": 1,
    # The same batch twice is stored once, in the spans and in every rollup behind them; that asks for the
    # same blocks in the same order each time, hence one thread.
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_threads": 1,
    "max_insert_threads": 1,
    # A server's profile may gather inserts in memory and answer before they are on disk.
    "async_insert": 0,
    # A retention of years and a sender that catches up bring many days at once.
    "max_partitions_per_insert_block": 0,
    # A page that somebody waits for comes first. Where the process may not, this does nothing.
    "os_threads_nice_value_query": 10,
    "os_threads_nice_value_materialized_view": 10,
    # A batch is of 24 MiB, or one export more, and takes a tenth of this; what needs more was made to.
    "max_memory_usage": 3 * 2**30,
}


def _schema(location: StoreLocation) -> dict[str, str]:
    if isinstance(location, Path):
        # As text it would be cached in a folder beside wherever this process was started.
        return {"format_schema_source": "file", "format_schema": str(_SCHEMA)}
    return {"format_schema_source": "string", "format_schema": _SCHEMA.read_text(encoding="utf-8")}


def _forget_unfinished_inserts(engine: Path) -> None:
    forgotten = insert_tokens.forget_unfinished(engine)
    if forgotten:
        log.warning("mcp-obs was killed in the middle of an insert, which is done again: %d parts", forgotten)


class TelemetryStore:
    """The embedded engine in a folder, which takes one process, or a server. Its methods from any thread."""

    def __init__(self, location: StoreLocation, lock: FolderLock | None) -> None:
        self.location = location
        """Where the engine is."""
        self._lock = lock
        self._schema = _schema(location)
        self._writer = Engine.connect(location)
        self._writing = threading.Lock()
        self._connections = [self._writer]
        self._of_this_thread = threading.local()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-read")

    @classmethod
    def open(cls, location: StoreLocation, retention: timedelta, *, spans_wait: bool = False) -> Self:
        """Open or create the store and bring its schema up to date; `spans_wait` when there are some to insert.

        Raises StoreLockedError when another process holds the folder, SchemaError when it is from another version,
        and StoreUnavailableError.
        """
        lock = None
        if isinstance(location, Path):
            lock = FolderLock.acquire(location)
            location = location / "engine"
        try:
            if isinstance(location, Path):
                _forget_unfinished_inserts(location)
            store = cls(location, lock)
        except BaseException:
            if lock:
                lock.release()
            raise
        try:
            if isinstance(location, ClickHouse):
                create_database(store._writer, location.database)
            migrate(store._writer, spans_wait=spans_wait)
            apply_retention(store._writer, retention)
            if isinstance(location, Path):
                insert_tokens.write_through(location)
        except BaseException:
            store.close()
            raise
        return store

    def insert(self, signal: str, batch: bytes | Path, token: str) -> None:
        """Store a batch of one signal's length-delimited envelopes (see otlp.proto); a repeated token adds nothing.

        A file is read by the embedded engine itself.

        Returns when the rows are on disk. Raises BatchRefusedError or StoreUnavailableError; after the latter they
        may be stored all the same, and the same call again is safe. From any thread; one insert runs at a time.
        """
        settings = {
            **_INSERT_SETTINGS,
            **self._schema,
            **self._writer.layout.insert_settings,
            "format_schema_message_name": _MESSAGES[signal],
            "insert_deduplication_token": token,
        }
        with self._writing:
            self._writer.insert(f"otlp_{signal}", (*_COLUMNS, LATCH), batch, "Protobuf", settings)

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of a query, each a dict by column name. Raises StoreUnavailableError."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._rows, sql, parameters)

    async def command(self, sql: str, parameters: Mapping[str, object]) -> None:
        """Run a statement that answers nothing. Raises StoreUnavailableError."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._command, sql, parameters)

    async def define(self, sql: str, parameters: Mapping[str, object]) -> None:
        """Run a change of a table wherever its rows lie. Raises StoreUnavailableError."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._define, sql, parameters)

    @property
    def layout(self) -> Layout:
        """How the tables lie on this engine."""
        return self._writer.layout

    async def table_sizes(self) -> list[TableSize]:
        """What every table takes. Raises StoreUnavailableError."""
        return [TableSize(**row) for row in await self.rows(TABLE_SIZES, {})]

    def _rows(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        return self._engine().rows(sql, parameters)

    def _command(self, sql: str, parameters: Mapping[str, object]) -> None:
        self._engine().command(sql, parameters)

    def _define(self, sql: str, parameters: Mapping[str, object]) -> None:
        self._engine().define(sql, parameters)

    def _engine(self) -> Engine:
        """This thread's own connection."""
        engine: Engine | None = getattr(self._of_this_thread, "engine", None)
        if engine is None:
            engine = self._of_this_thread.engine = Engine.connect(self.location)
            self._connections.append(engine)
        return engine

    def close(self) -> None:
        """Wait for running queries and leave a folder to the next process."""
        self._readers.shutdown()
        for engine in self._connections:
            engine.close()
        if self._lock:
            self._lock.release()
