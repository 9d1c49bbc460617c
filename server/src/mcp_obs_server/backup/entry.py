"""One file in a backup."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Entry:
    """A file with what it held at the moment of the backup."""

    name: str
    """Where it belongs in the data folder, with slashes."""
    content: bytes | Path
    size: int
    """A file may have grown since; this many bytes of it belong to the backup."""

    @classmethod
    def of(cls, name: str, content: bytes) -> "Entry":
        """A small file, read already."""
        return cls(name, content, len(content))

    @classmethod
    def file(cls, name: str, path: Path) -> "Entry":
        """A file that nobody changes."""
        return cls(name, path, path.stat().st_size)

    def blocks(self) -> Iterator[bytes]:
        """The content. Raises OSError, also when there is less of it than there was."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        left = self.size
        with self.content.open("rb") as file:
            while left and (block := file.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block
        if left:
            raise OSError(f"{self.content} lost {left} bytes while it was backed up")


def tree(folder: Path, place: str) -> list[Entry]:
    """Every file below a folder that nobody changes, as it belongs below `place`."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [Entry.file(f"{place}/{path.relative_to(folder).as_posix()}", path) for path in files]
