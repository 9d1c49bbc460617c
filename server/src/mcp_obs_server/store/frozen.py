"""The embedded engine's files at one moment, by hard links: nothing is copied and nothing stands still."""

import shutil
from pathlib import Path

from mcp_obs_server.store.telemetry_store import TelemetryStore

_STORED = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
_SHADOW = "shadow"
# What lies beside the parts of a table, and the statements that made the tables and views.
_BESIDE_PARTS = ("*.sql", "format_version.txt", "mutation_*.txt", "deduplication_logs/*")


async def freeze(store: TelemetryStore, name: str) -> None:
    """Hold the parts of every table as they are now under `name`. Raises StoreUnavailableError.

    Tables are held one after another, so whoever wants one moment for all lets no insert run meanwhile.
    """
    for row in await store.rows(_STORED, {}):
        await store.command(f"ALTER TABLE {row['name']} FREEZE WITH NAME '{name}'", {})


def unfreeze(engine: Path, name: str) -> None:
    """Let go of the parts; those that were replaced since leave the disk."""
    shutil.rmtree(engine / _SHADOW / name, ignore_errors=True)


def held_folder(engine: Path, name: str) -> Path:
    """Where the files held under `name` are, each in the place that it has in the engine's folder; none changes."""
    return engine / _SHADOW / name


def loose_files(engine: Path) -> list[tuple[str, bytes]]:
    """The small files that belong to the parts and change, each with its place; read them with the parts held."""
    paths = (path for pattern in _BESIDE_PARTS for path in engine.glob(f"store/*/*/{pattern}"))
    return [(path.relative_to(engine).as_posix(), path.read_bytes()) for path in sorted(paths)]


def database_links(engine: Path) -> dict[str, str]:
    """The links by which the engine finds its databases' folders: names and targets."""
    links = (path for path in (engine / "metadata").iterdir() if path.is_symlink())
    return {path.name: str(path.readlink()) for path in links}
