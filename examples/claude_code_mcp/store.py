"""Records on disk."""

import logging
import re
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from claude_code_mcp.errors import StoreError

RecordT = TypeVar("RecordT", bound=BaseModel)
_log = logging.getLogger(__name__)


class Store(Generic[RecordT]):
    """Records of one kind, each a JSON file named by its id; they outlive the server."""

    def __init__(self, folder: Path, kind: type[RecordT]) -> None:
        self._folder = folder
        self._kind = kind

    def write(self, record_id: str, record: RecordT) -> int:
        """Keep a record, whole or not at all; returns its bytes.

        Raises:
            StoreError: the disk does not take it.
        """
        data = record.model_dump_json(indent=2).encode()
        file = self.beside(record_id, ".json")
        part = file.with_suffix(".part")
        try:
            part.write_bytes(data)
            part.replace(file)
        except OSError as error:
            raise StoreError(f"{file} can't be written: {error.strerror}") from error
        return len(data)

    def read(self, record_id: str) -> RecordT | None:
        """The record of that id, if there is one.

        Raises:
            StoreError: its file is broken.
        """
        file = self._folder / f"{record_id}.json"
        # Ids come from clients: none may lead out of the folder.
        if not re.fullmatch(r"[\w-]+", record_id) or not file.is_file():
            return None
        return self._read(file)

    def all(self) -> list[RecordT]:
        """Every record that can be read."""
        found = list[RecordT]()
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(self._read(file))
            except StoreError as error:
                _log.warning("%s", error)
        return found

    def beside(self, record_id: str, ending: str) -> Path:
        """Where a file of a record's belongs.

        Raises:
            StoreError: there can be no folder for it.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder} can't be made: {error.strerror}") from error
        return self._folder / f"{record_id}{ending}"

    def _read(self, file: Path) -> RecordT:
        try:
            return self._kind.model_validate_json(file.read_bytes())
        except ValidationError as error:
            raise StoreError(f"{file} is broken; delete it.") from error
