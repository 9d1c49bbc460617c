"""A real PostgreSQL in a folder of its own, reached by a socket there: no port that another process could take."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

_SECONDS = 120
# What a power cut would lose is nobody's here.
_OPTIONS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off"


@dataclass
class PostgreSQL:
    """A cluster that can be stopped and started again."""

    folder: Path
    binaries: Path
    _numbers: "count[int]" = field(default_factory=count)

    def start(self) -> None:
        """Answers when this returns."""
        options = f"{_OPTIONS} -c unix_socket_directories='{self.folder}'"
        self.run("pg_ctl", "start", "-w", "-o", options, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """Ends every connection at once."""
        self.run("pg_ctl", "stop", "-w", "-m", "fast")

    def new_database(self) -> str:
        """The URL of an empty one, as `MCP_OBS_CONTROL` takes it."""
        name = f"control_{next(self._numbers)}"
        self.run("createdb", "--host", str(self.folder), "--username", "postgres", name)
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs; as root, for it refuses that, as the user that its package made."""
        printed = self.folder / "out"
        # A file, for the server keeps open what it is given.
        with printed.open("wb") as out:
            ended = subprocess.run(
                [self.binaries / program, *arguments],
                cwd=self.folder,
                env={
                    "PATH": os.defpath,
                    "LC_ALL": "C",
                    "PGDATA": str(self.folder / "data"),
                    "PGCTLTIMEOUT": str(_SECONDS),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                user="postgres" if os.getuid() == 0 else None,
                timeout=_SECONDS,
                check=False,
            )
        assert ended.returncode == 0, printed.read_text()


@contextmanager
def running_postgresql() -> Generator[PostgreSQL]:
    """A new cluster, gone afterwards."""
    # Directly under the temporary folder: a socket's path has at most 107 bytes, and another user has to reach it.
    with tempfile.TemporaryDirectory(prefix="mcp-obs-postgresql-") as name:
        cluster = PostgreSQL(Path(name), _binaries())
        if os.getuid() == 0:
            shutil.chown(name, "postgres")
        cluster.run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


def _binaries() -> Path:
    """Debian's, which are not on the PATH, or those that are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    assert found or on_path, "These tests need PostgreSQL: make postgresql"
    return (found[-1] if found else Path(str(on_path)).resolve()).parent
