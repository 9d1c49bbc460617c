"""Which exports were stored lately, so that a retry whose first answer got lost is acknowledged and not stored again.

An exporter retries for seconds to minutes; what is remembered spans at least the last 131,072 exports. The digests
of exports still in the spool are in its segments; they move here, on disk, before a segment is deleted.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from mcp_obs_server.ingest.envelope import DIGEST_BYTES
from mcp_obs_server.kit.durable_file import append_durably

GENERATION = 131_072


class RecentExports:
    """Two generations of digests: when the younger is full, the older is forgotten."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._young_path = folder / "recent-digests"
        self._old_path = folder / "recent-digests.old"
        self._young: set[bytes] = _read(self._young_path)
        self._old = _read(self._old_path)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._young or digest in self._old

    def remember(self, digests: Iterable[bytes]) -> None:
        """Keep the digests across a power loss."""
        digests = tuple(digests)
        if len(self._young) + len(digests) > GENERATION:
            self._young_path.replace(self._old_path)
            self._young, self._old = set[bytes](), self._young
        # Half a digest, of an append that failed, would shift those behind it.
        _cut(self._young_path)
        append_durably(self._young_path, b"".join(digests))
        self._young.update(digests)


def _read(path: Path) -> set[bytes]:
    _cut(path)
    data = path.read_bytes() if path.exists() else b""
    return {data[start : start + DIGEST_BYTES] for start in range(0, len(data), DIGEST_BYTES)}


def _cut(path: Path) -> None:
    size = path.stat().st_size if path.exists() else 0
    if half := size % DIGEST_BYTES:
        os.truncate(path, size - half)
