"""The real `mcp-obs demo`, for a browser."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from ports import reserved_port

COMMAND = Path(sys.executable).with_name("mcp-obs")
STOP_SECONDS = 60


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    link: str
    data_dir: Path

    @property
    def url(self) -> str:
        """Where the dashboard is."""
        return self.link.partition("/sign-in")[0]

    def overview(self, server_id: str, range_name: str) -> dict[str, Any]:
        """What the read API answers."""
        token = (self.data_dir / "access-token").read_text().strip()
        response = httpx2.get(
            f"{self.url}/api/servers/{server_id}/overview",
            params={"range": range_name},
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        )
        return response.raise_for_status().json()


@contextmanager
def demo(data_dir: Path, history: str) -> Generator[Demo]:
    """The demo with this much generated past, up to the end of the block."""
    with reserved_port() as port:
        command = [COMMAND, "demo", "--history", history, "--data-dir", str(data_dir), "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Demo(_read_link(process), data_dir)
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


def _read_link(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(r"\S+/sign-in#token=\S+", line):
            return match[0]
    raise SystemExit("The demo ended before it printed a sign-in link.")
