"""Numbered SQL files for what is kept, applied once each; views for what is derived, rebuilt when they change.

A crash can come between a file's statements and its entry in the history, so every statement can run again. What is
remembered are digests of the files, written for one server, so they are the same in every layout.
"""

import hashlib
from collections.abc import Iterator
from importlib import resources

from mcp_obs_server.store import earlier
from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.errors import SchemaError
from mcp_obs_server.store.layout import LATCH
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
        engine.command(engine.layout.create_database(name))
    engine.use(name)


def migrate(engine: Engine, *, spans_wait: bool = False) -> None:
    """Bring the schema to this version. Raises SchemaError when an applied file was changed or is unknown.

    Also when rollups have to be made again and `spans_wait` to be inserted, of which some may be stored already. One
    process at a time; others may be inserting.
    """
    if not engine.rows("EXISTS TABLE schema_history")[0]["result"]:
        engine.command(engine.layout.on_every_node(_HISTORY))
    applied = {
        str(row["name"]): str(row["last"])
        for row in engine.rows(
            "SELECT name, argMax(digest, applied_at) AS last FROM schema_history GROUP BY name"
        )
    }
    files = dict(schema_files())
    unknown = applied.keys() - files.keys() - {_VIEWS}
    if unknown:
        raise SchemaError(
            f"The telemetry folder was written by a newer mcp-obs (it has {', '.join(sorted(unknown))}): upgrade."
        )
    for name, sql in files.items():
        if name not in applied:
            for statement in statements_of(sql):
                engine.define(statement)
            _remember(engine, name, _digest(sql))
        elif earlier.has_earlier_rollups(name, applied[name]):
            if spans_wait:
                raise SchemaError(earlier.SPANS_WAIT)
            earlier.remake_rollups(engine, statements_of(sql))
            _remember(engine, name, _digest(sql))
        elif applied[name] != _digest(sql) and not earlier.serves_as_it_is(name, applied[name]):
            raise SchemaError(
                f"The migration {name} is not the one that made this folder: a newer mcp-obs did (upgrade),"
                " or it was changed (add a new one instead)."
            )
    # The views follow the tables, so they are of this version only while both are.
    views = _digest("\n".join([*files.values(), *VIEWS.values(), LATCH]))
    if applied.get(_VIEWS) != views:
        rebuild_views(engine)
        _remember(engine, _VIEWS, views)


def schema_files() -> Iterator[tuple[str, str]]:
    """The name and the text of every migration, in order."""
    folder = resources.files("mcp_obs_server.store") / "schema"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")


def statements_of(sql: str) -> list[str]:
    """The statements of a migration."""
    return list(filter(str.strip, sql.split(";\n")))


def rebuild_views(engine: Engine) -> None:
    """Drop and create everything that is derived. An insert meanwhile is stored whole or refused."""
    # By what is there and not by name: what an earlier version had would go on filling the tables. The tables first,
    # so that an insert on its way finds no table rather than no views.
    present = engine.rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine IN ('Null', 'MaterializedView')"
        " ORDER BY engine DESC"
    )
    for row in present:
        engine.command(engine.layout.drop(row["name"]))
    for statement in VIEWS.values():
        engine.define(statement)
    for table in filter(takes_exports, VIEWS):
        for statement in engine.layout.open_exports(table):
            engine.command(statement)


def takes_exports(name: str) -> bool:
    """Whether this is the table that a signal's exports are inserted into."""
    return name.startswith("otlp_") and "_to_" not in name


def _remember(engine: Engine, name: str, digest: str) -> None:
    engine.command(
        "INSERT INTO schema_history (name, digest) SELECT {name:String}, {digest:String}",
        {"name": name, "digest": digest},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
