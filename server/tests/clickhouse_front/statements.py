"""Statements as they come over HTTP, run by the embedded engine."""

# The engine's own annotations leave type arguments open.
# pyright: reportUnknownMemberType=false

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import chdb
from chdb.state.sqlitelike import Connection

from clickhouse_front.stand_in import without_keeper

_CODE = re.compile(rb"Code: (\d+)\.")
# INSERT INTO table (columns) FORMAT Name, and the data behind the line's end.
_INSERT = re.compile(rb"\s*(INSERT\s+INTO\s[^\n]*?)\s+FORMAT\s+(\w+)\s*\n", re.IGNORECASE)
# Of the interface and not of the engine.
_OF_THE_INTERFACE = {
    "database",
    "query",
    "query_id",
    "client_protocol_version",
    "default_format",
    "wait_end_of_query",
    # Its own node is the only one it can reach.
    "prefer_localhost_replica",
}


class EngineError(Exception):
    """What the engine says, with its code."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        code = _CODE.search(message.encode())
        self.code = int(code[1]) if code else 0


class Statements:
    """Runs each statement on a handle of its own, so that no setting outlives its request."""

    def __init__(self, folder: Path) -> None:
        self._path = f"{folder / 'engine'}?config-file={Path(__file__).with_name('cluster.xml')}"
        # The engine stops with its last handle.
        self._keeps_it_running = chdb.connect(self._path)

    def run(self, statement: bytes, options: Mapping[str, str]) -> bytes:
        """The result in the statement's format. Raises EngineError."""
        handle = chdb.connect(self._path)
        try:
            handle.query(f"USE {options.get('database', 'default')}")
            if settings := _settings(options):
                handle.query(f"SET {settings}")
            statement = without_keeper(statement)
            if insert := _INSERT.match(statement):
                return self._insert(handle, insert[1], insert[2], statement[insert.end() :])
            parameters = {
                name.removeprefix("param_"): value
                for name, value in options.items()
                if name.startswith("param_")
            }
            return handle.query(statement.decode(), "TabSeparated", params=parameters).bytes() or b""
        except RuntimeError as error:
            raise EngineError(str(error)) from error
        finally:
            handle.close()

    def _insert(self, handle: Connection, head: bytes, data_format: bytes, data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            handle.query(f"{head.decode()} FROM INFILE '{file.name}' FORMAT {data_format.decode()}")
        return b""


def _settings(options: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} = {_quoted(value)}"
        for name, value in options.items()
        if name not in _OF_THE_INTERFACE and not name.startswith("param_")
    )


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
