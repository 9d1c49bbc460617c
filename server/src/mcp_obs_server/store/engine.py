"""The engine's client, typed, with the store's errors. The only file that knows clickhouse-connect."""

# The client's own annotations leave type arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, cast

import clickhouse_connect
from clickhouse_connect.driver.binding import format_str
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from mcp_obs_server.store.cluster import Cluster
from mcp_obs_server.store.errors import BatchRefusedError, StoreUnavailableError
from mcp_obs_server.store.layout import Layout, OneServer
from mcp_obs_server.store.location import ClickHouse, StoreLocation

Row = dict[str, Any]

# It would log what it raises.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)

_CONNECT_SECONDS = 5
# A page's question takes milliseconds and an insert of 24 MiB under a second: what takes a minute is lost.
_ANSWER_SECONDS = 60

# In the name of a file these stand for others.
_GLOB = frozenset("*?{}")

# A page that somebody waits for comes before merges. Where the process may not, this does nothing.
_EMBEDDED_OPTIONS = {"os_threads_nice_value_merge_mutate": 10}

_CLUSTER_SETTINGS = {
    # A subquery reads all shards too.
    "distributed_product_mode": "global",
    # Told by the server before the client gives up.
    "distributed_ddl_task_timeout": _ANSWER_SECONDS - 10,
}

# What the engine says of the data and not of itself (src/Common/ErrorCodes.cpp).
_DATA_ERRORS = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        36,  # BAD_ARGUMENTS: a value with two members
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        131,  # TOO_LARGE_STRING_SIZE
        436,  # PROTOBUF_BAD_CAST
        444,  # UNKNOWN_PROTOBUF_FORMAT
    }
)
_MEMORY_LIMIT_EXCEEDED = 241


class Engine:
    """One connection: it runs one statement at a time, so every thread has its own."""

    def __init__(self, location: StoreLocation, client: Client, pool: PoolManager | None = None) -> None:
        self._location = location
        self.layout: Layout = OneServer()
        """How the schema lies on this engine."""
        self._client = client
        self._pool = pool

    @classmethod
    def connect(cls, location: StoreLocation, answer_seconds: float = _ANSWER_SECONDS) -> Self:
        """A connection to the embedded engine in a folder, or to a server. Raises StoreUnavailableError.

        A server's database need not exist yet.
        """
        if isinstance(location, Path):
            with _store_errors(location):
                return cls(
                    location,
                    clickhouse_connect.get_client(
                        interface="chdb", path=str(location), tz_mode="aware", chdb_options=_EMBEDDED_OPTIONS
                    ),
                )
        return cls._to_server(location, answer_seconds)

    @classmethod
    def _to_server(cls, location: ClickHouse, answer_seconds: float) -> Self:
        # A pool of its own: the shared one would send this through the proxy that is meant for the internet.
        pool = get_pool_manager()
        with _store_errors(location):
            client = clickhouse_connect.get_client(
                interface="https" if location.secure else "http",
                host=location.host,
                port=location.port,
                username=location.user,
                password=location.password.get_secret_value(),
                connect_timeout=_CONNECT_SECONDS,
                send_receive_timeout=answer_seconds,
                # A session lives on one node, and a balancer may ask another one next.
                autogenerate_session_id=False,
                tz_mode="aware",
                client_name="mcp-obs",
                settings=_CLUSTER_SETTINGS if location.cluster else {},
                pool_mgr=pool,
            )
        engine = cls(location, client, pool)
        engine.use(location.database)
        return engine

    def use(self, database: str) -> None:
        """Send every statement to this database."""
        self._client.database = database
        if isinstance(self._location, ClickHouse) and self._location.cluster:
            self.layout = Cluster(self._location.cluster, database)

    def define(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement of the schema, in this location's layout. Raises StoreUnavailableError."""
        for statement in self.layout.statements(sql):
            self.command(statement, parameters)

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement that answers nothing. Raises StoreUnavailableError."""
        with _store_errors(self._location):
            self._client.command(sql, parameters=dict(parameters or {}))

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """The rows of a query, each a dict by column name; times are aware. Raises StoreUnavailableError."""
        with _store_errors(self._location):
            result = self._client.query(sql, parameters=dict(parameters or {}))
            return list(cast("Iterable[Row]", result.named_results()))

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        data: bytes | Path,
        data_format: str,
        settings: Mapping[str, object],
    ) -> None:
        """Insert data in one of the engine's formats. Raises BatchRefusedError, StoreUnavailableError or OSError."""
        with _store_errors(self._location, refuse=True):
            if isinstance(data, Path) and isinstance(self._location, Path) and _GLOB.isdisjoint(str(data)):
                self._insert_file(table, columns, data, data_format, settings)
            else:
                block = data.read_bytes() if isinstance(data, Path) else data
                self._client.raw_insert(table, columns, block, dict(settings), data_format)

    def _insert_file(
        self, table: str, columns: Sequence[str], file: Path, data_format: str, settings: Mapping[str, object]
    ) -> None:
        # The client would write the bytes into a temporary file first: 5 % of an insert.
        given = ", ".join(f"{name} = {format_str(str(value))}" for name, value in settings.items())
        self._client.command(
            f"INSERT INTO {table} ({', '.join(columns)}) FROM INFILE {format_str(str(file))} COMPRESSION 'none'"
            f" SETTINGS {given} FORMAT {data_format}"
        )

    def close(self) -> None:
        """Let go of the engine; with the last connection the embedded one stops."""
        self._client.close()
        if self._pool:
            self._pool.clear()


@contextmanager
def _store_errors(location: StoreLocation, *, refuse: bool = False) -> Generator[None]:
    try:
        yield
    except (ClickHouseError, HTTPError) as error:
        kind = BatchRefusedError if refuse and _is_about_the_data(error) else StoreUnavailableError
        raise kind(_sentence(location, error)) from error


def _sentence(location: StoreLocation, error: BaseException) -> str:
    """What the engine answered, or why nobody did, without the client's own wrapping."""
    if isinstance(location, Path) or not isinstance(error.__cause__, HTTPError):
        return str(error)
    root: BaseException = error
    while cause := root.__cause__ or root.__context__:
        root = cause
    return f"ClickHouse at {location.host}:{location.port} doesn't answer: {root}"


def _is_about_the_data(error: Exception) -> bool:
    code = getattr(error, "code", None)
    if code == _MEMORY_LIMIT_EXCEEDED:
        # The limit of this insert, and not that the server as a whole has no memory left.
        return "Query memory limit exceeded" in str(error)
    return code in _DATA_ERRORS
