"""OTLP/HTTP: POST /v1/traces. A plain ASGI application, because every export passes here."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from mcp_obs_server.ingest import answers
from mcp_obs_server.ingest.admission import Admitted, Window, admit_traces, rejection_message
from mcp_obs_server.ingest.body import Budget, ClientGone, Incoming, Receive, Share, read_body
from mcp_obs_server.ingest.committer import Committer, Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.errors import (
    Broken,
    ExportRefused,
    ExportTooLarge,
    TooSlow,
    UnauthenticatedExport,
    UnknownSignal,
    UnsupportedMedia,
    WrongMethod,
)

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Below these a parse takes about a millisecond; above, other requests go on meanwhile.
_PROTOBUF_IN_PLACE_BYTES = 1 << 20
_JSON_IN_PLACE_BYTES = 1 << 15
# An exporter's own timeout is 10 s; whoever takes longer holds memory that others need.
_BODY_SECONDS = 30.0
# Closing while the sender still writes resets the connection, and the answer with it.
_SKIM_BYTES = 8 << 20


class Tenant(Protocol):
    """Whose an export is."""

    @property
    def org_id(self) -> int: ...
    @property
    def server_id(self) -> int: ...


class OtlpHttp:
    """The ASGI application behind /v1/."""

    def __init__(
        self,
        verify_key: Callable[[str], Awaitable[Tenant | None]],
        committer: Committer,
        now: Callable[[], int],
        retention_nanoseconds: int,
        max_body_bytes: int,
        budget: Budget,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._verify_key = verify_key
        self._committer = committer
        self._now = now
        self._retention = retention_nanoseconds
        self._max_body_bytes = max_body_bytes
        self._budget = budget
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
            error = Broken("The server failed; its log has the reason.")
            await _refuse(send, error, is_json, content_type, incoming)
        else:
            await _respond(send, 200, body, {**answers.CORS, **content_type})

    async def _export(
        self, scope: Scope, headers: Mapping[str, str], is_json: bool, incoming: Incoming
    ) -> bytes:
        _check_route(scope)
        tenant = await self._authenticate(headers)
        is_gzip = _check_headers(headers, self._max_body_bytes)
        with Share(self._budget) as share:
            try:
                async with asyncio.timeout(self._body_seconds):
                    body = await read_body(incoming, is_gzip, self._max_body_bytes, share)
            except TimeoutError:
                raise TooSlow(f"The body took longer than {self._body_seconds:g} s.") from None
            admitted = await self._admit(body, is_json)
            if admitted.spans:
                await self._committer.commit(
                    Export(
                        tenant.org_id,
                        tenant.server_id,
                        admitted.body,
                        digest(tenant.org_id, tenant.server_id, admitted.body),
                    )
                )
        return answers.success(is_json, sum(admitted.rejected.values()), rejection_message(admitted.rejected))

    async def _authenticate(self, headers: Mapping[str, str]) -> Tenant:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise UnauthenticatedExport("Send an API key as 'Authorization: Bearer mcpobs_...'.")
        tenant = await self._verify_key(key.strip())
        if tenant is None:
            raise UnauthenticatedExport(
                "This API key is unknown or revoked: create one with 'mcp-obs keys create'."
            )
        return tenant

    async def _admit(self, body: bytes, is_json: bool) -> Admitted:
        window = Window.around(self._now(), self._retention)
        if len(body) < (_JSON_IN_PLACE_BYTES if is_json else _PROTOBUF_IN_PLACE_BYTES):
            return admit_traces(body, is_json, window)
        return await asyncio.to_thread(admit_traces, body, is_json, window)


def _check_route(scope: Scope) -> None:
    if scope["path"] != "/v1/traces":
        raise UnknownSignal(f"Nothing is received at {scope['path']}: send traces to /v1/traces.")
    if scope["method"] != "POST":
        raise WrongMethod("Exports are sent by POST.")


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
