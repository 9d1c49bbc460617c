"""Where OTLP/gRPC listens, and what one connection may ask of this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import grpc

from mcp_obs_server.kit.open_files import connections_at_most

# An export that is under way may finish.
_STOP_SECONDS = 5

_IDENTITY_AND_GZIP = 0b101

_OPTIONS = (
    # Two servers on one port would each get a part of the exports, and neither would say so.
    ("grpc.so_reuseport", 0),
    # gRPC's own inflating knows no budget and does all at once, so messages come as they were sent.
    ("grpc.per_message_decompression", 0),
    ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_AND_GZIP),
    ("grpc.max_concurrent_streams", 100),
    # Exporters ping every 10 s at most; who does it more often is cut off after two warnings.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # A peer that is gone answers no ping, in the middle of a call or not.
    ("grpc.keepalive_permit_without_calls", 1),
    # The slowest exporter sends metrics once a minute.
    ("grpc.max_connection_idle_ms", 600_000),
)


class GrpcListener:
    """A bound port; calls are answered once there is a door to serve."""

    def __init__(
        self,
        host: str,
        port: int,
        max_message_bytes: int,
        max_connections: int | None = None,
        handshake_seconds: float = 10.0,
        ping_seconds: float = 60.0,
        ping_timeout_seconds: float = 20.0,
    ) -> None:
        """Raises RuntimeError when the port can't be had; 0 takes a free one.

        Who connects and has not said in `handshake_seconds` that it speaks HTTP/2 is cut off. Who was silent for
        `ping_seconds` is sent a ping, and cut off when it is not acknowledged in `ping_timeout_seconds`.
        """
        limits = (
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.server_handshake_timeout_ms", round(handshake_seconds * 1000)),
            ("grpc.keepalive_time_ms", round(ping_seconds * 1000)),
            # grpc.keepalive_timeout_ms starts no timer in 1.85.
            ("grpc.http2.ping_timeout_ms", round(ping_timeout_seconds * 1000)),
            # HTTP has half of what the process may open, and a connection may be idle for long.
            ("grpc.max_allowed_incoming_connections", max_connections or connections_at_most(4)),
        )
        self._server = grpc.aio.server(options=(*_OPTIONS, *limits))
        self.port = self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    @asynccontextmanager
    async def serving(self, door: grpc.GenericRpcHandler) -> AsyncGenerator[None]:
        """Answer; at the end, stop."""
        self._server.add_generic_rpc_handlers((door,))
        await self._server.start()
        try:
            yield
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Take no new calls, and wait for those under way."""
        await self._server.stop(_STOP_SECONDS)
