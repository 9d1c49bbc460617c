"""What the spans of one tool have in common, described, written and looked up once."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import starmap
from typing import Any, NamedTuple, cast

from mcp_obs import semconv
from mcp_obs._details import Details
from mcp_obs._guard import Guard
from mcp_obs._http import sender_attributes
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.wire import attribute, field, text
from mcp_obs._message import TARGETS, Message, json_size, mapping_or_empty, span_name
from mcp_obs._metrics.metrics import Metrics, Series
from mcp_obs._metrics.operations import bounded, measures_of
from mcp_obs._privacy.shapes import MOST_NAMES, block_type, kind_of
from mcp_obs._sessions import Session
from mcp_obs._text import LONGEST_TEXT, carried

# A tool has a few of 500 bytes: one for each shape and outcome. Names can be the client's to choose.
MOST_TEMPLATE_BYTES = 2**20
# SERVER (trace.proto, SpanKind), the only kind that has templates.
_KIND = b"\x30\x02"

# What the key of a template decides.
_ALIKE = frozenset(
    {
        semconv.MCP_METHOD_NAME,
        semconv.GEN_AI_OPERATION_NAME,
        semconv.GEN_AI_TOOL_NAME,
        semconv.GEN_AI_PROMPT_NAME,
        semconv.MCP_PROTOCOL_VERSION,
        semconv.NETWORK_TRANSPORT,
        semconv.NETWORK_PROTOCOL_NAME,
        semconv.NETWORK_PROTOCOL_VERSION,
        semconv.MCP_OBS_REQUEST_SHAPE,
        semconv.MCP_OBS_RESPONSE_SHAPE,
        semconv.MCP_OBS_SESSION_SOURCE,
        semconv.MCP_OBS_OPERATION_OUTCOME,
        semconv.ERROR_TYPE,
        semconv.RPC_RESPONSE_STATUS_CODE,
    }
)
# All but its description.
_TOLD_OF_ENDING = 3
# In a key. A handler may go on to change what it was given while that is described.
_PLACE_OF_SHAPE = 3
# What a span is called by, and what the sampler says of it.
_NOT_A_HOST_S = frozenset({semconv.MCP_METHOD_NAME, *TARGETS.values(), semconv.MCP_OBS_SAMPLING_WEIGHT})
_NOTHING: Mapping[str, Any] = {}
_NOBODY = (None, None)

_describing = Guard("describing an operation")

Key = tuple[Any, ...]


class Sender(NamedTuple):
    """What all messages of one client on one connection say of them, and the same as OTLP."""

    attributes: Mapping[str, Any]
    encoded: bytes


class Own(NamedTuple):
    """What a span says beside its template."""

    sender: Sender
    rest: dict[str, Any]

    def attributes(self) -> dict[str, Any]:
        """All of it."""
        return {**self.sender.attributes, **self.rest}


class Template(NamedTuple):
    """Name, kind and attributes of spans that are alike, as OTLP, and the series that they are counted in."""

    described: bytes
    names: frozenset[str]
    """What a host can't set without changing it."""
    counted: tuple[tuple[Series, float | None], ...]
    """What is added to each is the operation's length in units of which a second has so many, or one."""


class Templates:
    """Makes templates of what spans say and finds them again; for any thread.

    An operation is described in full where it is the first of its kind, or says more than a template holds: that
    takes 60 µs, and to fill in a template 16.
    """

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics
        self._known: dict[Key, Template] = {}
        self.bytes = 0
        """What keys and templates take, about."""

    def find(self, span: OperationSpan) -> tuple[Template, Own] | None:
        """A span's template and what it needs beside; None where it is to be described in full."""
        try:
            told = _own(span)
            if told is not None:
                key, own = told
                template = self._known.get(key)
                if template is not None:
                    return template, own
                self._make(span, key, own)
        except Exception as error:  # noqa: BLE001  whatever it is, the span is described in full
            _describing.swallow(error)
        return None

    def clear(self) -> None:
        """Forget all: the series are others now."""
        self._known.clear()
        self.bytes = 0

    def _make(self, span: OperationSpan, key: Key, own: Own) -> None:
        message, result = span.message, span.result
        template = self._template(span.let_go(), own.attributes())
        if template is None or message is None:
            return
        if message.method == "tools/call":
            shape = _shape_of(message.params or _NOTHING, result or _NOTHING)
            if shape != key[_PLACE_OF_SHAPE]:
                return
        size = len(repr(key)) + len(template.described)
        self.bytes += size
        if self.bytes > MOST_TEMPLATE_BYTES:
            self.clear()
            self.bytes = size
        if size <= MOST_TEMPLATE_BYTES:
            self._known[key] = template

    def _template(self, said: Mapping[str, Any], own: Mapping[str, Any]) -> Template | None:
        """None where a span says what the next of the same key might not."""
        alike = {name: value for name, value in said.items() if name not in own}
        if not alike.keys() <= _ALIKE or {**alike, **own} != said:
            return None
        labels = bounded(said)
        if labels != said:  # the name of a tool may become known
            return None
        attributes = b"".join(attribute(*pair) for pair in alike.items())
        described = field(b"\x2a", text(span_name(said))) + _KIND + attributes
        return Template(described, frozenset(alike) | _NOT_A_HOST_S, tuple(self._counted(labels)))

    def _counted(self, labels: Mapping[str, Any]) -> Iterator[tuple[Series, float | None]]:
        for measure in measures_of(labels):
            series = self._metrics.series(measure.metric, labels) if self._metrics is not None else None
            if series is not None:
                yield series, measure.units_per_second


def _own(span: OperationSpan) -> tuple[Key, Own] | None:
    """What tells its template from others, and the attributes that are the span's own.

    None for what no template holds: what a host named, what is inside another operation, what has a URI.
    """
    message, details, ending = span.message, span.details, span.ending
    if message is None or details is None or ending is None or message.enclosing is not None or span.name:
        return None
    method, params, result = message.method, message.params or _NOTHING, span.result or _NOTHING
    target = params.get("name") if method in TARGETS else None
    if (target is not None and type(target) is not str) or "uri" in params or message.is_outbound:
        return None
    origin, client = message.origin, message.stated_client()
    peer, session_id = (
        (origin.peer, origin.session_id(message.protocol_version)) if origin is not None else _NOBODY
    )
    name, version = client or _NOBODY
    # Not to be remembered: a client can make up as many as it likes.
    if len(session_id or "") + len(name or "") + len(version or "") > LONGEST_TEXT:
        return None
    sender = sender_of(peer, session_id, name, version)
    if sender is None:
        return None
    rest: dict[str, Any] = {}
    session = _add_caller(rest, message, details, sender)
    if not _add_particulars(rest, message, span.result):
        return None
    key = (
        tuple(sender.attributes),
        tuple(rest),
        method,
        _shape_of(params, result) if method == "tools/call" else None,
        target,
        message.protocol_version,
        origin is None or origin.protocol_version,
        session.source if session is not None else None,
        ending[:_TOLD_OF_ENDING],
        message.negotiated,
    )
    return key, Own(sender, rest)


def _add_caller(
    attributes: dict[str, Any], message: Message, details: Details, sender: Sender
) -> Session | None:
    """The user, where anything says who it is, and the session."""
    origin, known = message.origin, sender.attributes
    if message.user is not None or (origin is not None and origin.token is not None):
        attributes.update(details.users.of(message))
        known = {**known, **attributes}
    session = details.session_of(message, known)
    if session is not None:
        attributes[semconv.MCP_OBS_SESSION_ID] = carried(session.id)
    return session


def _add_particulars(attributes: dict[str, Any], message: Message, result: Mapping[str, Any] | None) -> bool:
    """Sizes and numbers; False where one can't be told, or not as it is."""
    request_id = message.request_id
    if type(request_id) is str and not _is_carried(request_id):
        return False
    for name, value in (
        (semconv.MCP_OBS_REQUEST_SIZE, message.params),
        (semconv.MCP_OBS_RESPONSE_SIZE, result),
    ):
        if value is not None:
            size = json_size(value)
            if size is None:
                return False
            attributes[name] = size
    if message.told:
        attributes[semconv.MCP_OBS_NOTIFICATIONS_SENT] = message.told
    if request_id is not None:
        attributes[semconv.JSONRPC_REQUEST_ID] = str(request_id)
    return True


@lru_cache(maxsize=1024)
def sender_of(
    peer: tuple[str, int] | None, session_id: str | None, name: str | None, version: str | None
) -> Sender | None:
    """None where a text is not carried as it is."""
    attributes: dict[str, Any] = sender_attributes(peer, session_id)
    if name is not None:
        attributes[semconv.MCP_CLIENT_NAME] = name
        if version:
            attributes[semconv.MCP_CLIENT_VERSION] = version
    if not all(_is_carried(value) for value in attributes.values() if type(value) is str):
        return None
    return Sender(attributes, b"".join(starmap(attribute, attributes.items())))


def _is_carried(value: str) -> bool:
    """Whether a text is said as it is."""
    return value.isascii() and len(value) <= LONGEST_TEXT


def _shape_of(params: Mapping[str, Any], result: Mapping[str, Any]) -> Key:
    """What decides how a tool's arguments and result are described."""
    given, content = mapping_or_empty(params.get("arguments")), result.get("content")
    blocks = None
    if isinstance(content, list):
        blocks = tuple(dict.fromkeys(map(block_type, cast("list[object]", content)[:MOST_NAMES])))
    return tuple(given), tuple(map(kind_of, given.values())), blocks, kind_of(result.get("structuredContent"))
