"""Exports that libFuzzer makes of the seeds, led by what admission's own code does: `with_atheris.py FOLDER -OPTION…`.

The first byte says which signal and encoding the rest is, or that it is gzip. More than 1 GiB of memory is a finding
as well.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# Its wheel is not in the project's own environment.
atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["mcp_obs_server.ingest"]):
    from fuzz.promise import admitted_as_sent, inflated
    from fuzz.seeds import bodies, zipped
    from mcp_obs_server.ingest.signals import SIGNALS

_GZIP = 128
_CHUNK_BYTES = 100


def one(data: bytes) -> None:
    """Take one export."""
    if not data:
        return
    kind, body = data[0], data[1:]
    if kind >= _GZIP:
        whole, in_chunks = inflated(body, len(body) or 1), inflated(body, _CHUNK_BYTES)
        assert whole == in_chunks
    else:
        which, is_json = divmod(kind, 2)
        admitted_as_sent(SIGNALS[which % len(SIGNALS)], body, bool(is_json))


def write_seeds(folder: Path) -> None:
    """A file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    exports = [(SIGNALS.index(signal) * 2 + is_json, body) for signal, body, is_json in bodies()]
    for number, (kind, body) in enumerate([*exports, *((_GZIP, body) for body in zipped())]):
        (folder / f"seed-{number}").write_bytes(bytes([kind]) + body)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
