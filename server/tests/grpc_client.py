"""Calls of OTLP/gRPC in bytes, as hostile as a test wants them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.traces import TRACES
from otlp_door import KEY

AUTHORIZED = (("authorization", f"Bearer {KEY}"),)
SECONDS = 60

# Generic in their type stubs only.
Call: TypeAlias = "grpc.aio.StreamUnaryCall[bytes, bytes] | grpc.aio.UnaryUnaryCall[bytes, bytes]"


@dataclass(frozen=True)
class Failed:
    """How a call ended that was not answered."""

    code: grpc.StatusCode
    message: str
    retry_after_seconds: int | None = None


@asynccontextmanager
async def channel(address: str) -> AsyncGenerator[grpc.aio.Channel]:
    """A connection without the client's own limits."""
    options = (("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1))
    async with grpc.aio.insecure_channel(address, options=options) as opened:
        yield opened


def begin(
    opened: grpc.aio.Channel, authorized: bool = True, signal: Signal = TRACES
) -> "grpc.aio.StreamUnaryCall[bytes, bytes]":
    """A call whose message comes when the test writes it."""
    export: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = opened.stream_unary(signal.export_method)
    return export(timeout=SECONDS, metadata=AUTHORIZED if authorized else ())


async def answer_to(call: Call) -> bytes | Failed:
    """Its answer's bytes, or how it failed."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return failed(error)


async def call(
    address: str,
    message: bytes,
    signal: Signal = TRACES,
    metadata: tuple[tuple[str, str], ...] = AUTHORIZED,
    compression: grpc.Compression = grpc.Compression.NoCompression,
    method: str | None = None,
) -> bytes | Failed:
    """The answer's bytes, or how the call failed."""
    async with channel(address) as opened:
        export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        export = opened.unary_unary(method or signal.export_method)
        return await answer_to(export(message, timeout=SECONDS, metadata=metadata, compression=compression))


def failed(error: grpc.aio.AioRpcError) -> Failed:
    """The failure with what its google.rpc.Status adds, which has to say the same."""
    trailers = dict(error.trailing_metadata() or ())
    details = trailers.get("grpc-status-details-bin", b"")
    assert isinstance(details, bytes)
    status = Status.FromString(details)
    retry_info = RetryInfo()
    retry_after = None
    for detail in status.details:
        assert detail.Unpack(retry_info)
        retry_after = retry_info.retry_delay.seconds
    if details:
        assert (status.code, status.message) == (error.code().value[0], error.details())
    return Failed(error.code(), error.details() or "", retry_after)
