"""Load for a server that may be killed under it."""

import threading
import time

import httpx2

from otlp_exports import SECOND, export

SPANS_PER_EXPORT = 50


class Sender(threading.Thread):
    """Sends one export after another and remembers which were acknowledged."""

    def __init__(self, url: str, key: str, seed: int) -> None:
        super().__init__()
        self._url, self._key, self._seed = url, key, seed
        self.acknowledged: list[str] = []
        self.halfway = threading.Event()

    def run(self) -> None:
        start = time.time_ns() - 3600 * SECOND
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/x-protobuf"}
        with httpx2.Client(timeout=60) as client:
            for number in range(400):
                request = export(SPANS_PER_EXPORT, seed=self._seed * 1000 + number, start=start)
                body = request.SerializeToString()
                try:
                    client.post(f"{self._url}/v1/traces", content=body, headers=headers).raise_for_status()
                except httpx2.HTTPError:
                    return
                spans = request.resource_spans[0].scope_spans[0].spans
                self.acknowledged.extend(span.trace_id.hex().upper() for span in spans)
                if number == 40:
                    self.halfway.set()
