"""The control plane's database as one file of one moment."""

import sqlite3
from contextlib import closing
from pathlib import Path

NAME = "control.db"


def copy(data_dir: Path, folder: Path) -> tuple[Path, str]:
    """A copy in `folder` that nobody changes, and its last migration. Raises OSError."""
    target = folder / NAME
    try:
        with closing(sqlite3.connect(data_dir / NAME)) as running, closing(sqlite3.connect(target)) as copied:
            running.backup(copied)
            ((revision,),) = copied.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as error:
        raise OSError(f"{data_dir / NAME} can't be read: {error}") from error
    return target, str(revision)
