"""The schema on a cluster.

Every table has its rows in `…_local` on each shard, replicated there, and under its own name a Distributed table over
them. docs/decisions/ says why an export goes to one shard whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mcp_obs_server.store.layout import LATCH
from mcp_obs_server.store.statement import (
    AlterTable,
    CreateMaterializedView,
    CreateTable,
    CreateView,
    parse,
    rename_tables,
)

_OF_COLUMNS = re.compile(r"(ADD|DROP|MODIFY|RENAME) COLUMN\b")
# A segment that was stored in part may wait in the spool for days; the default forgets its token after an hour.
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window = (\d+)")
_REPLICATED_WINDOW = r"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = 604800"
_OF_A_SHARD = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
_OF_EVERY_NODE = "'/clickhouse/tables/{database}/{table}', '{shard}-{replica}'"


@dataclass(frozen=True)
class Cluster:
    """Shards and replicas, by the name that the servers' configuration gives them."""

    cluster: str
    name: str
    """The database."""

    @property
    def database(self) -> str:
        """Its name: another node's current database is another one."""
        return f"'{self.name}'"

    @property
    def insert_settings(self) -> Mapping[str, object]:
        """The token has to reach the shards before the answer, in the same blocks whichever node takes the insert."""
        return MappingProxyType({"distributed_foreground_insert": 1, "prefer_localhost_replica": 0})

    def create_database(self, name: str) -> str:
        """Create it on every node."""
        return f"CREATE DATABASE IF NOT EXISTS {name} ON CLUSTER '{self.cluster}'"

    def statements(self, sql: str) -> list[str]:
        """One or two statements for the whole cluster."""
        statement = parse(sql)
        match statement:
            case CreateTable():
                return self._create_table(statement)
            case CreateMaterializedView():
                select = rename_tables(statement.select, self._local)
                head = f"CREATE MATERIALIZED VIEW {self._here(statement.name)}"
                return [f"{head} TO {self._local(statement.target)} AS\n{select}"]
            case CreateView():
                select = rename_tables(statement.select, self._named)
                return [f"CREATE OR REPLACE VIEW {self._here(statement.name)} AS\n{select}"]
            case AlterTable():
                return self._alter_table(statement)

    def on_every_node(self, sql: str) -> str:
        """One table that all shards replicate."""
        statement = parse(sql)
        assert isinstance(statement, CreateTable)
        return self._create_stored(statement, self._here(statement.name), _OF_EVERY_NODE)

    def open_exports(self, table: str) -> list[str]:
        """Add the latch, then what spreads exports over the shards: a server's exports all go to one."""
        distributed = self._distributed(table, ", cityHash64(org_id, server_id)")
        return [
            f"ALTER TABLE {self._here(self.stored(table))} ADD COLUMN {LATCH} UInt8",
            f"CREATE OR REPLACE TABLE {self._here(table)} AS {self._local(table)}\n{distributed}",
        ]

    def drop(self, name: str) -> str:
        """Drop it on every node."""
        return f"DROP TABLE IF EXISTS {self._here(name)}"

    def stored(self, table: str) -> str:
        """The table of one shard."""
        return f"{table}_local"

    def on_every_replica(self, table: str) -> str:
        """Ask all of them; one that doesn't answer is an error."""
        asked = table if "." in table else self._local(table)
        return f"clusterAllReplicas('{self.cluster}', {asked})"

    def _create_table(self, statement: CreateTable) -> list[str]:
        name = self._here(self.stored(statement.name))
        if not statement.engine.endswith("MergeTree"):
            return [f"CREATE TABLE {name}{self._columns(statement)}\nENGINE = {statement.engine}"]
        distributed = f"AS {self._local(statement.name)}\n{self._distributed(statement.name)}"
        return [
            self._create_stored(statement, name, _OF_A_SHARD),
            f"CREATE TABLE IF NOT EXISTS {self._here(statement.name)} {distributed}",
        ]

    def _create_stored(self, statement: CreateTable, name: str, path: str) -> str:
        clauses = _WINDOW.sub(_REPLICATED_WINDOW, statement.clauses)
        arguments = f"({path}, {clauses[1:]}" if clauses.startswith("(") else f"({path}){clauses}"
        return (
            f"CREATE TABLE IF NOT EXISTS {name}{self._columns(statement)}"
            f"\nENGINE = Replicated{statement.engine}{arguments}"
        )

    def _columns(self, statement: CreateTable) -> str:
        return f" AS {self._local(statement.like)}" if statement.like else f"\n{statement.columns}"

    def _alter_table(self, statement: AlterTable) -> list[str]:
        names = [self.stored(statement.name)]
        if _OF_COLUMNS.match(statement.change):
            names.append(statement.name)
        return [f"ALTER TABLE {self._here(name)} {statement.change}" for name in names]

    def _distributed(self, table: str, sharding_key: str = "") -> str:
        shards = f"'{self.cluster}', '{self.name}', '{self.stored(table)}'"
        return f"ENGINE = Distributed({shards}{sharding_key})"

    def _named(self, table: str) -> str:
        return f"{self.name}.{table}"

    def _local(self, table: str) -> str:
        return self._named(self.stored(table))

    def _here(self, name: str) -> str:
        """What a statement is about, on all nodes at once."""
        return f"{self._named(name)} ON CLUSTER '{self.cluster}'"
