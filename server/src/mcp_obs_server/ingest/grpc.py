"""OTLP/gRPC: the unary Export of every signal's service, on messages as bytes, so that each is parsed once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, TypeAlias

import grpc

from mcp_obs_server.ingest import answers
from mcp_obs_server.ingest.body import BODY_SECONDS, read_body, slices
from mcp_obs_server.ingest.errors import (
    Broken,
    ExportRefused,
    ExportTooLarge,
    MalformedExport,
    Overloaded,
    TooSlow,
    UnknownSignal,
)
from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.tenant import Tenant

log = logging.getLogger(__name__)

Messages = AsyncIterator[bytes]
# Generic in their type stubs only.
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

# No protobuf begins with it: 0x1f would be a field of wire type 7, which does not exist.
_GZIP_MAGIC = b"\x1f\x8b"
# What gRPC cancels, it cancels within a millisecond.
_CANCELLED_SECONDS = 0.25
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class OtlpGrpc(grpc.GenericRpcHandler):
    """The handler of `/opentelemetry.proto.collector.{signal}.v1.{Signal}Service/Export`."""

    def __init__(
        self,
        receiver: Receiver,
        max_body_bytes: int,
        max_message_bytes: int,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._receiver = receiver
        self._max_body_bytes = max_body_bytes
        self.max_message_bytes = max_message_bytes
        """The largest message as sent; whoever listens has to refuse larger ones."""
        self._body_seconds = body_seconds
        self._handlers = {signal.export_method: self._handler(signal) for signal in receiver.signals}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """The handler of this method; None lets the caller be told UNIMPLEMENTED."""
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if handler is None:
            self._receiver.refuse_stranger(None, UnknownSignal(f"Nothing is received at {method}."))
        return handler

    def _handler(self, signal: Signal) -> Handler:
        # On the wire a unary call is a stream of one message. Taken as a stream, it is read when this code asks for
        # it, and what a stranger sends stays in the 64 KiB of its window.
        return grpc.stream_unary_rpc_method_handler(partial(self._answer, signal))

    async def _answer(self, signal: Signal, messages: Messages, context: Context) -> bytes:
        try:
            return await self._export(signal, messages, context)
        except ExportRefused as error:
            refused = error
        except Exception:
            log.exception("An export could not be answered")
            refused = Broken()
        return await context.abort(_CODES[refused.code], str(refused), _trailers(refused))

    async def _export(self, signal: Signal, messages: Messages, context: Context) -> bytes:
        metadata = dict(context.invocation_metadata() or ())
        tenant = await self._receiver.authenticate(str(metadata.get("authorization", "")), signal)
        with self._receiver.passage(tenant, signal) as passage:
            message = await self._read(messages, passage)
        # A caller that gives up ends its wait and not the work, which holds memory until it is done.
        return await asyncio.shield(asyncio.create_task(self._keep(tenant, signal, message)))

    async def _read(self, messages: Messages, passage: Passage) -> bytes:
        """The one message. Raises Overloaded, TooSlow, ExportTooLarge or MalformedExport."""
        reading = False
        try:
            async with asyncio.timeout(self._body_seconds):
                # How large a message is can't be seen before it is here, so there is room for the largest.
                await passage.hold_when_possible(self.max_message_bytes)
                reading = True
                message = await anext(messages, None)
        except TimeoutError:
            if reading:
                raise TooSlow(f"The message took longer than {self._body_seconds:g} s.") from None
            raise Overloaded("Too many exports are under way: try again later.") from None
        if message is None:
            raise await self._without_message()
        return message

    async def _without_message(self) -> ExportRefused:
        """gRPC refuses by itself a message that is too long, and cancels the call as soon as it has none."""
        try:
            await asyncio.sleep(_CANCELLED_SECONDS)
        except asyncio.CancelledError:
            return ExportTooLarge(f"The message is over {self.max_message_bytes} bytes as sent.")
        return MalformedExport("The call has no message.")

    async def _keep(self, tenant: Tenant, signal: Signal, message: bytes) -> bytes:
        with self._receiver.passage(tenant, signal) as passage:
            passage.hold(len(message))
            if message.startswith(_GZIP_MAGIC):
                chunks = slices(message)
                message = await read_body(chunks, True, self._max_body_bytes, passage.hold, passage.turn)
            rejected = await self._receiver.take(passage, message, is_json=False)
        return answers.success(signal, rejected).SerializeToString()


def _trailers(refused: ExportRefused) -> tuple[tuple[str, bytes], ...]:
    status = answers.status(refused)
    # The Python and C++ exporters look for the detail alone, under its own name.
    alone = (("google.rpc.retryinfo-bin", detail.value) for detail in status.details)
    return (("grpc-status-details-bin", status.SerializeToString()), *alone)
