"""The real store behind a fault."""

import threading
from pathlib import Path

from mcp_obs_server.store import StoreUnavailableError, TelemetryStore


class FaultyStore:
    """It refuses, or stores and then says that it did not."""

    def __init__(self, store: TelemetryStore) -> None:
        self.store = store
        self.refuses = threading.Event()
        self.lies_once = threading.Event()
        self.asked = threading.Event()

    def insert(self, signal: str, batch: bytes | Path, token: str) -> None:
        """The store's own, when the fault lets it."""
        self.asked.set()
        if self.refuses.is_set():
            raise StoreUnavailableError("the engine is away")
        self.store.insert(signal, batch, token)
        if self.lies_once.is_set():
            self.lies_once.clear()
            raise StoreUnavailableError("the answer got lost")
