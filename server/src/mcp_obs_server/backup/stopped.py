"""The folder of a server that is not running."""

import shutil
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from mcp_obs_server.backup import control_plane
from mcp_obs_server.backup.description import Description
from mcp_obs_server.backup.entry import Entry, tree
from mcp_obs_server.backup.snapshot import ENGINE
from mcp_obs_server.store import FolderLock, StoreLocation
from mcp_obs_server.store.frozen import database_links

_NAME = "backup"


@contextmanager
def stopped(data_dir: Path, location: StoreLocation, now: datetime) -> Generator[list[Entry]]:
    """The members of a backup; no server can start on the folder until the end.

    Without the telemetry when that is on a ClickHouse server. Raises StoreLockedError while a server runs, and
    OSError.
    """
    with ExitStack() as stack:
        for folder in [data_dir, *([location] if isinstance(location, Path) else [])]:
            stack.callback(FolderLock.acquire(folder).release)
        copies = data_dir / _NAME
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        stack.callback(shutil.rmtree, copies, ignore_errors=True)
        control, revision = control_plane.copy(data_dir, copies)
        engine = location / "engine" if isinstance(location, Path) else None
        described = Description(
            taken_at=now, control_revision=revision, databases=database_links(engine) if engine else {}
        )
        yield [
            described.entry(),
            Entry.file(control_plane.NAME, control),
            *tree(data_dir / "spool", "spool"),
            *(tree(engine / "store", f"{ENGINE}/store") if engine else []),
        ]
