"""How the one schema, written for one server, lies on what it runs on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

# An insert names this column, which a table of exports has only once all of its views are there: without them it
# would take the rows and store nothing.
LATCH = "views_ready"


class Layout(Protocol):
    """Turns the schema's statements into those that are run."""

    @property
    def insert_settings(self) -> Mapping[str, object]:
        """What every insert needs."""
        ...

    def create_database(self, name: str) -> str:
        """The database itself."""
        ...

    def statements(self, sql: str) -> list[str]:
        """What to run for a statement of the schema."""
        ...

    def on_every_node(self, sql: str) -> str:
        """A table that is the same on every node."""
        ...

    def open_exports(self, table: str) -> list[str]:
        """Let a table of exports take inserts, now that its views are there."""
        ...

    def drop(self, name: str) -> str:
        """Remove a table or view, named as it is in the database."""
        ...

    def stored(self, table: str) -> str:
        """The table that has the parts of this one."""
        ...

    def on_every_replica(self, table: str) -> str:
        """What a query reads to see each replica's own rows of a table, so most of them several times."""
        ...

    @property
    def database(self) -> str:
        """The database's name as an expression, which is the same on every replica."""
        ...


class OneServer:
    """The embedded engine or one server: the schema as it is written."""

    insert_settings: Mapping[str, object] = MappingProxyType({})
    database = "currentDatabase()"

    def create_database(self, name: str) -> str:
        """Create it."""
        return f"CREATE DATABASE IF NOT EXISTS {name}"

    def statements(self, sql: str) -> list[str]:
        """The statement."""
        return [sql]

    def on_every_node(self, sql: str) -> str:
        """The statement."""
        return sql

    def open_exports(self, table: str) -> list[str]:
        """Add the latch."""
        return [f"ALTER TABLE {table} ADD COLUMN {LATCH} UInt8"]

    def drop(self, name: str) -> str:
        """Drop it."""
        return f"DROP TABLE IF EXISTS {name}"

    def stored(self, table: str) -> str:
        """The table itself."""
        return table

    def on_every_replica(self, table: str) -> str:
        """The table itself."""
        return table
