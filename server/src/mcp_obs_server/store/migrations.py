"""Numbered SQL files for what is kept, applied once each; views for what is derived, rebuilt when they change.

A crash can come between a file's statements and its entry in the history, so every statement can run again.
"""

import hashlib
from collections.abc import Iterator
from importlib import resources

from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.errors import SchemaError
from mcp_obs_server.store.views import VIEWS

_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_history
(
    name String,
    digest String,
    applied_at DateTime DEFAULT now()
)
ENGINE = MergeTree ORDER BY name SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""
_VIEWS = "views"


def create_database(engine: Engine, name: str) -> None:
    """The database on a server, when it isn't there: whoever made it beforehand need not grant the right to."""
    sql = "SELECT name FROM system.databases WHERE name = {name:String}"
    engine.use("system")
    if not engine.rows(sql, {"name": name}):
        engine.command(f"CREATE DATABASE IF NOT EXISTS {name}")
    engine.use(name)


def migrate(engine: Engine) -> None:
    """Bring the schema to this version. Raises SchemaError when an applied file was changed or is unknown."""
    engine.command(_HISTORY)
    applied = {
        str(row["name"]): str(row["last"])
        for row in engine.rows(
            "SELECT name, argMax(digest, applied_at) AS last FROM schema_history GROUP BY name"
        )
    }
    files = dict(_files())
    unknown = applied.keys() - files.keys() - {_VIEWS}
    if unknown:
        raise SchemaError(
            f"The telemetry folder was written by a newer mcp-obs (it has {', '.join(sorted(unknown))}): upgrade."
        )
    for name, sql in files.items():
        if name not in applied:
            _apply(engine, sql)
            _remember(engine, name, _digest(sql))
        elif applied[name] != _digest(sql):
            raise SchemaError(
                f"The migration {name} was changed after it was applied: add a new one instead."
            )
    # The views follow the tables, so they are of this version only while both are.
    views = _digest("\n".join([*files.values(), *VIEWS.values()]))
    if applied.get(_VIEWS) != views:
        _rebuild_views(engine)
        _remember(engine, _VIEWS, views)


def _files() -> Iterator[tuple[str, str]]:
    folder = resources.files("mcp_obs_server.store") / "schema"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")


def _apply(engine: Engine, sql: str) -> None:
    for statement in filter(str.strip, sql.split(";\n")):
        engine.command(statement)


def _rebuild_views(engine: Engine) -> None:
    # What an earlier version had under another name would go on filling the tables.
    earlier = engine.rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine IN ('MaterializedView', 'Null')"
        " ORDER BY engine"
    )
    for row in earlier:
        engine.command(f"DROP TABLE {row['name']}")
    for statement in VIEWS.values():
        engine.command(statement)


def _remember(engine: Engine, name: str, digest: str) -> None:
    engine.command(
        "INSERT INTO schema_history (name, digest) VALUES ({name:String}, {digest:String})",
        {"name": name, "digest": digest},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
