"""OTLP/HTTP: POST /v1/{signal}, answered without ASGI, because every export passes here (decision 0018)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from mcp_obs_server.ingest import answers
from mcp_obs_server.ingest.body import BODY_SECONDS, ClientGone, Incoming, read_body
from mcp_obs_server.ingest.errors import (
    Broken,
    ExportRefused,
    ExportTooLarge,
    TooSlow,
    UnknownSignal,
    UnsupportedMedia,
    WrongMethod,
)
from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.signal import Signal

log = logging.getLogger(__name__)

PREFIX = "/v1/"
"""Where the paths of all that is answered here begin."""

# Closing while the sender still writes resets the connection, and the answer with it.
_SKIM_BYTES = 8 << 20


@dataclass(slots=True)
class Request:
    """What was sent; the headers by their names in lower case."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: Incoming

    def header(self, name: bytes, otherwise: str = "") -> str:
        """The value of a header; of several of one name, the last."""
        value = self.headers.get(name)
        return otherwise if value is None else value.decode("latin-1")

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.header(b"content-type").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Answer:
    """What is sent back."""

    status: int
    head: bytes
    """Lines of headers."""
    body: bytes = b""
    is_last: bool = False
    """Whether the connection is of no use after it."""


def _head(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()


_PREFLIGHT = Answer(204, _head(answers.PREFLIGHT))
_HEADS = {
    is_json: _head({**answers.CORS, "content-type": media_type})
    for is_json, media_type in ((True, answers.JSON), (False, answers.PROTOBUF))
}


class OtlpHttp:
    """The door behind /v1/."""

    def __init__(self, receiver: Receiver, max_body_bytes: int, body_seconds: float = BODY_SECONDS) -> None:
        self._receiver = receiver
        self._max_body_bytes = max_body_bytes
        self._body_seconds = body_seconds

    async def answer(self, request: Request) -> Answer | None:
        """Answer one request; None when nobody is left to hear it."""
        if request.method == "OPTIONS":
            return _PREFLIGHT
        media_type = request.media_type
        is_json = media_type == answers.JSON
        try:
            body = await self._export(request, media_type)
        except ExportRefused as error:
            return await _refusal(request, is_json, error)
        except ClientGone:
            return None
        except Exception:
            log.exception("An export could not be answered")
            return await _refusal(request, is_json, Broken())
        return Answer(200, _HEADS[is_json], body)

    async def _export(self, request: Request, media_type: str) -> bytes:
        signal = self._route(request)
        tenant = await self._receiver.authenticate(request.header(b"authorization"), signal)
        is_json = media_type == answers.JSON
        with self._receiver.passage(tenant, signal) as passage:
            is_gzip = _check_headers(request, media_type, self._max_body_bytes)
            body = await self._read(request.body, is_gzip, passage)
            rejected = await self._receiver.take(passage, body, is_json)
        return answers.encoded(is_json, answers.success(signal, rejected))

    async def _read(self, incoming: Incoming, is_gzip: bool, passage: Passage) -> bytes:
        chunks = incoming.chunks()
        if incoming.is_whole:
            return await self._inflated(chunks, is_gzip, passage)
        try:
            async with asyncio.timeout(self._body_seconds):
                return await self._inflated(chunks, is_gzip, passage)
        except TimeoutError:
            raise TooSlow(f"The body took longer than {self._body_seconds:g} s.") from None

    async def _inflated(self, chunks: AsyncIterator[bytes], is_gzip: bool, passage: Passage) -> bytes:
        return await read_body(chunks, is_gzip, self._max_body_bytes, passage.hold, passage.turn)

    def _route(self, request: Request) -> Signal:
        try:
            return self._signal(request)
        except ExportRefused as error:
            self._receiver.refuse_stranger(None, error)
            raise

    def _signal(self, request: Request) -> Signal:
        path = request.path
        signal = self._receiver.signal(path.removeprefix(PREFIX))
        if signal is None:
            raise UnknownSignal(
                f"Nothing is received at {path}: send traces to /v1/traces, metrics to /v1/metrics, logs to /v1/logs."
            )
        if request.method != "POST":
            raise WrongMethod("Exports are sent by POST.")
        return signal


def _check_headers(request: Request, media_type: str, max_body_bytes: int) -> bool:
    """Whether the body is gzip. Raises for what need not be read to be refused."""
    if media_type not in (answers.JSON, answers.PROTOBUF):
        raise UnsupportedMedia(f"Content-Type is '{media_type}': send {answers.PROTOBUF} or {answers.JSON}.")
    encoding = request.header(b"content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        raise UnsupportedMedia(f"Content-Encoding is '{encoding}': send gzip or none.")
    length = request.header(b"content-length", "0")
    if length.isdecimal() and int(length) > max_body_bytes:
        raise ExportTooLarge(f"The body is over {max_body_bytes} bytes: send smaller batches.")
    return encoding == "gzip"


async def _refusal(request: Request, is_json: bool, error: ExportRefused) -> Answer:
    if isinstance(error, ExportTooLarge):
        with contextlib.suppress(ClientGone):
            await request.body.skim(_SKIM_BYTES)
    body, headers = answers.refusal(is_json, error)
    return Answer(error.status, _HEADS[is_json] + _head(headers), body, error.status in answers.LAST)
