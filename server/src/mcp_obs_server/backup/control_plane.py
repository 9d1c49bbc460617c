"""The control plane's database as one file of one moment."""

import sqlite3
from contextlib import closing
from pathlib import Path

NAME = "control.db"


def copy(data_dir: Path, folder: Path) -> tuple[Path, str]:
    """A copy in `folder` that nobody changes, and its last migration. Raises OSError."""
    target = folder / NAME
    try:
        # "rw" makes no file where none is, and reads what a crash left beside it.
        running_url = f"{(data_dir / NAME).absolute().as_uri()}?mode=rw"
        with (
            closing(sqlite3.connect(running_url, uri=True)) as running,
            closing(sqlite3.connect(target)) as copied,
        ):
            running.backup(copied)
            ((revision,),) = copied.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as error:
        raise OSError(f"{data_dir / NAME} can't be read: {error}") from error
    return target, str(revision)
