"""Exports that libFuzzer makes of the seeds, led by what admission's own code does: `with_atheris.py FOLDER -OPTION…`.

The first byte says which signal and encoding the rest is. More than 1 GiB of memory is a finding as well.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# Its wheel is not in the project's own environment.
atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["mcp_obs_server.ingest"]):
    from fuzz.promise import admitted
    from fuzz.seeds import bodies
    from mcp_obs_server.ingest.signals import SIGNALS


def one(data: bytes) -> None:
    """Take one export."""
    if data:
        which, is_json = divmod(data[0], 2)
        admitted(SIGNALS[which % len(SIGNALS)], data[1:], bool(is_json))


def write_seeds(folder: Path) -> None:
    """A file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (signal, body, is_json) in enumerate(bodies()):
        which = SIGNALS.index(signal) * 2 + is_json
        (folder / f"seed-{number}").write_bytes(bytes([which]) + body)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
