"""Metrics for Prometheus to scrape, at an address of their own; `pip install 'mcp-obs[prometheus]'`."""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from wsgiref.simple_server import WSGIServer

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import (
    CollectorRegistry,
    make_wsgi_app,  # pyright: ignore[reportUnknownVariableType]
    start_http_server,
)

from mcp_obs._configuration import Configuration
from mcp_obs._forked_child import call_in_children
from mcp_obs._guard import WrongSettingError, logger

Address = tuple[str, int]
# The OpenTelemetry specification's, but for a host name that may stand for an address of version 6.
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 9464


class ScrapedReader(PrometheusMetricReader):
    """Serves what it reads, until it is shut down."""

    def __init__(self, address: Address) -> None:
        registry = CollectorRegistry()
        super().__init__(registry=registry)
        self._address = address
        serving = _serving.get(address)
        if serving is None:
            host, port = address
            server, _ = start_http_server(port, host, registry)
        else:
            # The next configuration is made before the last one ends.
            server = serving[0]
            server.set_app(make_wsgi_app(registry))  # pyright: ignore[reportUnknownArgumentType]
        _serving[address] = server, self
        call_in_children(self._forget)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Have nothing more to read."""
        super().shutdown(timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        server, reader = _serving.get(self._address, (None, None))
        if server is not None and reader is self:
            del _serving[self._address]
            # Where no thread can be started any more, the port ends with the process. Waiting would take half a second.
            with suppress(RuntimeError):
                threading.Thread(target=_close, args=(server,), daemon=True).start()

    def _forget(self) -> None:
        """A forked child has none of the threads that answer here."""
        server, _ = _serving.pop(self._address, (None, None))
        if server is not None:
            server.socket.close()


_serving: dict[Address, tuple[WSGIServer, ScrapedReader]] = {}


def _close(server: WSGIServer) -> None:
    server.shutdown()
    server.server_close()


def metric_reader(configuration: Configuration) -> ScrapedReader | None:
    """Listens where OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT say; None where that can't be."""
    host, port = address_of(os.environ)
    try:
        return ScrapedReader((host, port))
    except OSError as error:
        logger.warning("mcp-obs can't listen on %s:%d, so there is nothing to scrape: %s", host, port, error)
        return None


def address_of(environ: Mapping[str, str]) -> Address:
    """Where to listen. Raises ValueError for a port that is none."""
    port = environ.get("OTEL_EXPORTER_PROMETHEUS_PORT", "").strip() or str(DEFAULT_PORT)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise WrongSettingError(
            f"OTEL_EXPORTER_PROMETHEUS_PORT must be a port from 1 to 65535, and {port!r} is none"
        )
    return environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or DEFAULT_HOST, int(port)
