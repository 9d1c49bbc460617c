"""One moment of a running server: what was acknowledged before it is in the engine or in the spool."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mcp_obs_server.backup import control_plane
from mcp_obs_server.backup.description import Description
from mcp_obs_server.backup.entry import Entry, tree
from mcp_obs_server.store import TelemetryStore
from mcp_obs_server.store.frozen import database_links, freeze, held_folder, loose_files, unfreeze

_NAME = "backup"
ENGINE = "telemetry/engine"


class Spooling(Protocol):
    """One signal's way into the store."""

    def paused(self) -> AbstractAsyncContextManager[None]:
        """Hand nothing to the engine meanwhile; what comes in is still acknowledged."""
        ...

    async def link_spool(self, folder: Path) -> list[tuple[str, Path, int]]:
        """Hard links in `folder` to what waits: name, link, and how much of it is whole."""
        ...


@asynccontextmanager
async def snapshot(
    data_dir: Path, engine: Path, store: TelemetryStore, spools: Mapping[str, Spooling], now: datetime
) -> AsyncGenerator[list[Entry]]:
    """The members of a backup, held until the end. Raises StoreUnavailableError or OSError."""
    folder = data_dir / _NAME
    await asyncio.to_thread(clear, data_dir, engine)
    folder.mkdir()
    try:
        async with AsyncExitStack() as paused:
            for spool in spools.values():
                await paused.enter_async_context(spool.paused())
            entries = await _entries(folder, data_dir, engine, store, spools, now)
        yield entries
    finally:
        await asyncio.to_thread(clear, data_dir, engine)


def clear(data_dir: Path, engine: Path) -> None:
    """Let go of what a backup held, also one that a crash cut short."""
    shutil.rmtree(data_dir / _NAME, ignore_errors=True)
    unfreeze(engine, _NAME)


async def _entries(
    folder: Path,
    data_dir: Path,
    engine: Path,
    store: TelemetryStore,
    spools: Mapping[str, Spooling],
    now: datetime,
) -> list[Entry]:
    """In an order in which nothing is without what it stands on.

    An export that waits came with a key that the control plane has; a deletion that the control plane believes to be
    finished is so in the engine.
    """
    waiting = [
        Entry(f"spool/{signal}/{name}", path, size)
        for signal, spool in spools.items()
        for name, path, size in await spool.link_spool(folder / signal)
    ]
    control, revision = await asyncio.to_thread(control_plane.copy, data_dir, folder)
    await freeze(store, _NAME)
    stored = await asyncio.to_thread(_engine_entries, engine)
    described = Description(taken_at=now, control_revision=revision, databases=database_links(engine))
    return [described.entry(), Entry.file(control_plane.NAME, control), *waiting, *stored]


def _engine_entries(engine: Path) -> list[Entry]:
    return [
        *(Entry.of(f"{ENGINE}/{name}", content) for name, content in loose_files(engine)),
        *tree(held_folder(engine, _NAME), ENGINE),
    ]
