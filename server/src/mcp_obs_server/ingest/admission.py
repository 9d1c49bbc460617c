"""What is taken in: one parse validates an export, counts it and sets aside what can't be kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from mcp_obs_server.ingest import otlp_json
from mcp_obs_server.ingest.errors import MalformedExport
from mcp_obs_server.ingest.message_count import check_items, check_json, check_protobuf
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Signal, Window


@dataclass(frozen=True)
class Admitted:
    """An export that can be stored: protobuf, every item whole. What was `rejected`, by reason, is no longer in it."""

    body: bytes
    sent: bytes
    """What it came as; of JSON, the same in protobuf."""
    kept: int
    rejected: Mapping[Reason, int]
    as_sent: bool | None
    """Whether the body is the sender's, byte for byte; None when there was no comparison."""


def admit(signal: Signal, body: bytes, is_json: bool, window: Window, is_trusted: bool = False) -> Admitted:
    """Validate an export. Raises MalformedExport when it is not OTLP, ExportTooLarge when it has too much in it.

    Legal protobuf can say a thing twice or in unknown groups, where the engine's reader differs from this one. So
    what was checked is written anew, for 2.5 µs a span. A trusted sender's bytes are kept when nothing had to change:
    see docs/decisions/0007.
    """
    request = _parse(signal, body, is_json)
    check_items(request, len(body))
    sent = request.SerializeToString() if is_json else body
    admission = signal.admit(request, window)
    cut = signal.cap(request, sent)
    changed = is_json or cut or bool(admission.rejected)
    if is_trusted and not changed:
        return Admitted(body, sent, admission.kept, admission.rejected, None)
    written = canonical(request)
    return Admitted(written, sent, admission.kept, admission.rejected, None if changed else written == body)


def canonical(request: Message) -> bytes:
    """The message in the one way that the engine reads as we do."""
    request.DiscardUnknownFields()
    return request.SerializeToString()


def rewritten(signal: Signal, body: bytes) -> bytes:
    """The same export as the engine reads it for sure, for a body that it refused; what is no export stays as it is."""
    try:
        return canonical(_parse(signal, body, is_json=False))
    except MalformedExport:
        return body


def _parse(signal: Signal, body: bytes, is_json: bool) -> Message:
    request = signal.request()
    if is_json:
        check_json(body)
        return otlp_json.parse(body, request)
    check_protobuf(body, request)
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        name = request.DESCRIPTOR.name
        raise MalformedExport(f"The body is not an {name} in protobuf: {error}") from None
    return request


def rejection_message(signal: Signal, rejected: Mapping[Reason, int]) -> str:
    """One sentence a reason, for the sender's log."""
    return "; ".join(_sentences(signal, rejected))


def _sentences(signal: Signal, rejected: Mapping[Reason, int]) -> Iterator[str]:
    for reason, count in rejected.items():
        yield f"{count} {signal.item}{'s' if count > 1 else ''} not kept: {reason.sentence}"
