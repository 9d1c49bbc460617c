"""The receiver that does nothing, as a process of its own."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import httpx2

from benchmarks.load import ROOT


@contextmanager
def running_null_receiver(answer: Literal["200", "503", "hangs"] = "200") -> Generator[int]:
    """Gives its port."""
    command = [sys.executable, "-m", "benchmarks.null_receiver", answer]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def posted_to(port: int) -> dict[str, int]:
    """How many requests a null receiver has taken at each path."""
    return httpx2.get(f"http://127.0.0.1:{port}/").raise_for_status().json()
