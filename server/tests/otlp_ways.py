"""An export over each of OTLP's three ways, and the answer in one form: what the checklist is written in."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import grpc
import httpx2
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from grpc_client import Failed, call
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from otlp_door import KEY, Door
from otlp_exports import NOW, counter, export, logs_export, metrics_export

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_IDS = ("traceId", "spanId", "parentSpanId")


async def post(
    door: Door, body: bytes, content_type: str = PROTOBUF, path: str = "/v1/traces", **headers: str
) -> httpx2.Response:
    """A request over HTTP, as unusual as a test wants it."""
    sent = {"authorization": f"Bearer {KEY}", "content-type": content_type}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(door.url + path, content=body, headers=sent)


@dataclass(frozen=True)
class Answer:
    """What a sender learns, whichever way it came."""

    code: grpc.StatusCode
    message: str = ""
    retry_after_seconds: int | None = None
    rejected: int = 0
    body: bytes = b""
    http_status: int | None = None


@dataclass(frozen=True)
class Way:
    """One of OTLP/HTTP in protobuf, OTLP/HTTP in JSON and OTLP/gRPC; `str(way)` is its name in a test's id."""

    name: str
    content_type: str = PROTOBUF

    def __str__(self) -> str:
        return self.name

    def encode(self, request: Message) -> bytes:
        """The request in this way's encoding."""
        return json.dumps(as_json(request)).encode() if self is HTTP_JSON else request.SerializeToString()

    async def send(
        self,
        door: Door,
        signal: Signal,
        body: bytes,
        authorization: str = f"Bearer {KEY}",
        zipped: bool = False,
        encoding: str = "identity",
    ) -> Answer:
        """Export these bytes; with an encoding they are sent as they are under its name."""
        if self is GRPC:
            compression = grpc.Compression.Gzip if zipped else grpc.Compression.NoCompression
            metadata = (("authorization", authorization),)
            return _of_grpc(signal, await call(door.grpc_address, body, signal, metadata, compression))
        response = await post(
            door,
            gzip.compress(body) if zipped else body,
            self.content_type,
            f"/v1/{signal.name}",
            authorization=authorization,
            content_encoding="gzip" if zipped else encoding,
        )
        assert response.headers["content-type"] == self.content_type
        return self._of_http(signal, response)

    def _of_http(self, signal: Signal, response: httpx2.Response) -> Answer:
        message: Message = signal.response() if response.is_success else Status()
        if self is HTTP_JSON:
            ParseDict(response.json(), message)
        else:
            message.ParseFromString(response.content)
        if not isinstance(message, Status):
            return _success(signal, message, response.content, response.status_code)
        retry_after = response.headers.get("retry-after")
        return Answer(
            code=_CODES[message.code],
            message=message.message,
            retry_after_seconds=None if retry_after is None else int(retry_after),
            body=response.content,
            http_status=response.status_code,
        )


def _of_grpc(signal: Signal, answer: bytes | Failed) -> Answer:
    if isinstance(answer, Failed):
        return Answer(answer.code, answer.message, answer.retry_after_seconds)
    return _success(signal, signal.response.FromString(answer), answer)


def _success(signal: Signal, response: Any, body: bytes, http_status: int | None = None) -> Answer:
    partial = response.partial_success
    return Answer(
        code=grpc.StatusCode.OK,
        message=partial.error_message,
        rejected=getattr(partial, signal.rejected_field),
        body=body,
        http_status=http_status,
    )


_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

HTTP_PROTOBUF = Way("HTTP protobuf")
HTTP_JSON = Way("HTTP JSON", JSON)
GRPC = Way("gRPC")
WAYS = (HTTP_PROTOBUF, HTTP_JSON, GRPC)


def as_json(request: Message) -> dict[str, Any]:
    """OTLP/JSON: like protobuf's, but ids are hex and enums integers."""
    return _hex_ids(MessageToDict(request, use_integers_for_enums=True))


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(each).hex() if key in _IDS else _hex_ids(each)
            for key, each in cast("dict[str, Any]", value).items()
        }
    return value


_BUILD: dict[str, Callable[[int], Message]] = {
    "traces": export,
    "metrics": lambda count: metrics_export(counter({NOW + index: index for index in range(count)})),
    "logs": logs_export,
}
assert set(_BUILD) == {signal.name for signal in SIGNALS}


def sample(signal: Signal, count: int) -> Any:
    """An export of so many items."""
    return _BUILD[signal.name](count)


def items(request: Any) -> Any:
    """The items of a sample."""
    if hasattr(request, "resource_spans"):
        return request.resource_spans[0].scope_spans[0].spans
    if hasattr(request, "resource_logs"):
        return request.resource_logs[0].scope_logs[0].log_records
    return request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points


def origins(request: Any) -> tuple[Any, Any]:
    """The resource and the scope of a sample."""
    (around,) = next(value for _, value in request.ListFields())
    (inside,) = next(value for field, value in around.ListFields() if field.name.startswith("scope_"))
    return around.resource, inside.scope


def set_time(item: Any, nanoseconds: int) -> None:
    """The time by which an item is judged."""
    setattr(
        item, "start_time_unix_nano" if hasattr(item, "end_time_unix_nano") else "time_unix_nano", nanoseconds
    )
