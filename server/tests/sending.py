"""Load for a server that may be killed under it."""

import threading
import time
from collections.abc import Callable, Mapping

import httpx2
from google.protobuf.message import Message

from mcp_obs_server.ingest.signal import SignalName
from otlp_exports import SECOND, counter, export, logs_export, metrics_export

ITEMS_PER_EXPORT = 50
_TABLES: dict[SignalName, str] = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}
STORED_EXPORTS: dict[SignalName, str] = {
    name: (
        "SELECT attributes['export'] AS export, count() AS items, uniqExact(time) AS different"
        f" FROM {table} GROUP BY export"
    )
    for name, table in _TABLES.items()
}
"""How many items of each export a folder has."""


class Sender(threading.Thread):
    """Sends one export after another and remembers which were acknowledged."""

    def __init__(self, url: str, key: str, seed: int, signal_name: SignalName = "traces") -> None:
        super().__init__()
        self._url, self._key, self._seed = url, key, seed
        self.signal_name: SignalName = signal_name
        self.acknowledged: list[str] = []
        self.halfway = threading.Event()

    def run(self) -> None:
        start = time.time_ns() - 3600 * SECOND
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/x-protobuf"}
        address = f"{self._url}/v1/{self.signal_name}"
        with httpx2.Client(timeout=60) as client:
            for number in range(400):
                seed = self._seed * 1000 + number
                request = _BUILD[self.signal_name](seed, start, {"export": str(seed)})
                try:
                    client.post(
                        address, content=request.SerializeToString(), headers=headers
                    ).raise_for_status()
                except httpx2.HTTPError:
                    return
                self.acknowledged.append(str(seed))
                if number == 40:
                    self.halfway.set()


def _traces(seed: int, start: int, attributes: Mapping[str, str]) -> Message:
    return export(ITEMS_PER_EXPORT, seed=seed, start=start, attributes=attributes)


def _metrics(_: int, start: int, attributes: Mapping[str, str]) -> Message:
    values = {start + index * SECOND: index + 1 for index in range(ITEMS_PER_EXPORT)}
    return metrics_export(counter(values, attributes=attributes))


def _logs(_: int, start: int, attributes: Mapping[str, str]) -> Message:
    return logs_export(ITEMS_PER_EXPORT, start=start, attributes=attributes)


_BUILD: dict[SignalName, Callable[[int, int, Mapping[str, str]], Message]] = {
    "traces": _traces,
    "metrics": _metrics,
    "logs": _logs,
}
