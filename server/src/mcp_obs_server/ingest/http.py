"""OTLP/HTTP: POST /v1/{signal}. A plain ASGI application, because every export passes here."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mcp_obs_server.ingest import answers
from mcp_obs_server.ingest.body import BODY_SECONDS, ClientGone, Incoming, Receive, read_body
from mcp_obs_server.ingest.errors import (
    Broken,
    ExportRefused,
    ExportTooLarge,
    TooSlow,
    UnknownSignal,
    UnsupportedMedia,
    WrongMethod,
)
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.signal import Signal

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Closing while the sender still writes resets the connection, and the answer with it.
_SKIM_BYTES = 8 << 20


class OtlpHttp:
    """The ASGI application behind /v1/."""

    def __init__(self, receiver: Receiver, max_body_bytes: int, body_seconds: float = BODY_SECONDS) -> None:
        self._receiver = receiver
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await _respond(send, 204, b"", answers.PREFLIGHT)
            return
        headers = _headers(scope)
        is_json = _media_type(headers) == answers.JSON
        content_type = {"content-type": answers.JSON if is_json else answers.PROTOBUF}
        incoming = Incoming(receive)
        try:
            body = await self._export(scope, headers, is_json, incoming)
        except ExportRefused as error:
            await _refuse(send, error, is_json, content_type, incoming)
        except ClientGone:
            return
        except Exception:
            log.exception("An export could not be answered")
            await _refuse(send, Broken(), is_json, content_type, incoming)
        else:
            await _respond(send, 200, body, {**answers.CORS, **content_type})

    async def _export(
        self, scope: Scope, headers: Mapping[str, str], is_json: bool, incoming: Incoming
    ) -> bytes:
        signal = self._route(scope)
        tenant = await self._receiver.authenticate(headers.get("authorization", ""), signal)
        with self._receiver.passage(tenant, signal) as passage:
            is_gzip = _check_headers(headers, self._max_body_bytes)
            try:
                async with asyncio.timeout(self._body_seconds):
                    body = await read_body(
                        incoming.chunks(), is_gzip, self._max_body_bytes, passage.hold, passage.turn
                    )
            except TimeoutError:
                raise TooSlow(f"The body took longer than {self._body_seconds:g} s.") from None
            rejected = await self._receiver.take(passage, body, is_json)
        return answers.encoded(is_json, answers.success(signal, rejected))

    def _route(self, scope: Scope) -> Signal:
        try:
            return self._signal(scope)
        except ExportRefused as error:
            self._receiver.refuse_stranger(None, error)
            raise

    def _signal(self, scope: Scope) -> Signal:
        path = scope["path"]
        signal = self._receiver.signal(path.removeprefix("/v1/"))
        if signal is None:
            raise UnknownSignal(
                f"Nothing is received at {path}: send traces to /v1/traces, metrics to /v1/metrics, logs to /v1/logs."
            )
        if scope["method"] != "POST":
            raise WrongMethod("Exports are sent by POST.")
        return signal


def _check_headers(headers: Mapping[str, str], max_body_bytes: int) -> bool:
    """Whether the body is gzip. Raises for what need not be read to be refused."""
    media_type = _media_type(headers)
    if media_type not in (answers.JSON, answers.PROTOBUF):
        raise UnsupportedMedia(f"Content-Type is '{media_type}': send {answers.PROTOBUF} or {answers.JSON}.")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        raise UnsupportedMedia(f"Content-Encoding is '{encoding}': send gzip or none.")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > max_body_bytes:
        raise ExportTooLarge(f"The body is over {max_body_bytes} bytes: send smaller batches.")
    return encoding == "gzip"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def _refuse(
    send: Send, error: ExportRefused, is_json: bool, content_type: Mapping[str, str], incoming: Incoming
) -> None:
    if isinstance(error, ExportTooLarge):
        with contextlib.suppress(ClientGone):
            await incoming.skim(_SKIM_BYTES)
    body, headers = answers.refusal(is_json, error)
    await _respond(send, error.status, body, {**headers, **content_type})


async def _respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    encoded.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
