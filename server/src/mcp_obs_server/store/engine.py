"""The engine's client, typed, with the store's errors. The only file that knows clickhouse-connect."""

# The client's own annotations leave type arguments open.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from mcp_obs_server.store.errors import BatchRefusedError, StoreUnavailableError

Row = dict[str, Any]

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
        241,  # MEMORY_LIMIT_EXCEEDED, which is per insert
        436,  # PROTOBUF_BAD_CAST
        444,  # UNKNOWN_PROTOBUF_FORMAT
    }
)


class Engine:
    """One connection: it runs one statement at a time, so every thread has its own."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def connect(cls, folder: Path) -> Self:
        """A connection to the embedded engine in `folder`. Raises StoreUnavailableError."""
        try:
            return cls(clickhouse_connect.get_client(interface="chdb", path=str(folder), tz_mode="aware"))
        except ClickHouseError as error:
            raise StoreUnavailableError(str(error)) from error

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run a statement that answers nothing. Raises StoreUnavailableError."""
        try:
            self._client.command(sql, parameters=dict(parameters or {}))
        except ClickHouseError as error:
            raise StoreUnavailableError(str(error)) from error

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """The rows of a query, each a dict by column name; times are aware. Raises StoreUnavailableError."""
        try:
            result = self._client.query(sql, parameters=dict(parameters or {}))
        except ClickHouseError as error:
            raise StoreUnavailableError(str(error)) from error
        return list(cast("Iterable[Row]", result.named_results()))

    def insert(self, table: str, data: bytes, data_format: str, settings: Mapping[str, object]) -> None:
        """Insert data in one of the engine's formats. Raises BatchRefusedError or StoreUnavailableError."""
        try:
            self._client.raw_insert(table, insert_block=data, fmt=data_format, settings=dict(settings))
        except ClickHouseError as error:
            if getattr(error, "code", None) in _DATA_ERRORS:
                raise BatchRefusedError(str(error)) from error
            raise StoreUnavailableError(str(error)) from error

    def close(self) -> None:
        """Let go of the engine; with the last connection it stops."""
        self._client.close()
