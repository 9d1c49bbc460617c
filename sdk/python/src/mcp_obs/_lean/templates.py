"""What the spans of one tool have in common, described, written and looked up once."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from mcp_obs import semconv
from mcp_obs._guard import Guard
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.wire import attribute, field, text
from mcp_obs._message import TARGETS, Message, json_size, mapping_or_empty, span_name
from mcp_obs._metrics.metrics import Metrics, Series
from mcp_obs._metrics.operations import Measure, bounded, measures_of
from mcp_obs._privacy.shapes import MOST_NAMES, block_type, kind_of
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

_describing = Guard("describing an operation")

Key = tuple[Any, ...]


class Template(NamedTuple):
    """Name, kind and attributes of spans that are alike, as OTLP, and the series that they are counted in."""

    described: bytes
    names: frozenset[str]
    """What a host can't set without changing it."""
    counted: tuple[tuple[Series, Measure], ...]


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

    def find(self, span: OperationSpan) -> tuple[Template, dict[str, Any]] | None:
        """A span's template and the attributes that it needs beside; None where it is to be described in full."""
        with _describing:
            told = _own(span)
            if told is not None:
                key, own = told
                template = self._known.get(key)
                if template is not None:
                    return template, own
                self._make(span, key, own)
        return None

    def clear(self) -> None:
        """Forget all: the series are others now."""
        self._known.clear()
        self.bytes = 0

    def _make(self, span: OperationSpan, key: Key, own: dict[str, Any]) -> None:
        message, result = span.message, span.result
        template = self._template(span.let_go(), own)
        if template is None or message is None or _shape_of(message, result) != key[_PLACE_OF_SHAPE]:
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

    def _counted(self, labels: Mapping[str, Any]) -> Iterator[tuple[Series, Measure]]:
        for measure in measures_of(labels):
            series = self._metrics.series(measure.metric, labels) if self._metrics is not None else None
            if series is not None:
                yield series, measure


def _own(span: OperationSpan) -> tuple[Key, dict[str, Any]] | None:
    """What tells its template from others, and the attributes that are the span's own.

    None for what no template holds: what a host named, what is inside another operation, what has a URI.
    """
    message, details, ending = span.message, span.details, span.ending
    if message is None or details is None or ending is None or message.enclosing is not None or span.name:
        return None
    method, params, origin = message.method, message.params or _NOTHING, message.origin
    attributes = _on_the_wire(message)
    target = params.get("name") if method in TARGETS else None
    is_odd = target is not None and type(target) is not str
    if attributes is None or is_odd or "uri" in params or message.is_outbound:
        return None
    attributes.update(details.users.of(message))
    session = details.session_of(message, attributes)
    if session is not None:
        attributes[semconv.MCP_OBS_SESSION_ID] = carried(session.id)
    if not _measure(message.params, semconv.MCP_OBS_REQUEST_SIZE, attributes):
        return None
    if not _measure(span.result, semconv.MCP_OBS_RESPONSE_SIZE, attributes):
        return None
    if message.told:
        attributes[semconv.MCP_OBS_NOTIFICATIONS_SENT] = message.told
    key = (
        tuple(attributes),
        method,
        target,
        _shape_of(message, span.result),
        message.protocol_version,
        origin is None or origin.protocol_version,
        session.source if session is not None else None,
        ending[:_TOLD_OF_ENDING],
        message.negotiated,
    )
    return key, attributes


def _on_the_wire(message: Message) -> dict[str, Any] | None:
    """None where a text is not carried as it is."""
    origin = message.origin
    attributes = origin.sender_attributes(message.protocol_version) if origin is not None else {}
    if message.request_id is not None:
        attributes[semconv.JSONRPC_REQUEST_ID] = str(message.request_id)
    client = message.stated_client()
    if client is not None:
        attributes[semconv.MCP_CLIENT_NAME] = client.name
        if client.version:
            attributes[semconv.MCP_CLIENT_VERSION] = client.version
    for value in attributes.values():
        if type(value) is str and not (value.isascii() and len(value) <= LONGEST_TEXT):
            return None
    return attributes


def _measure(value: Mapping[str, Any] | None, name: str, attributes: dict[str, Any]) -> bool:
    """Note a size; False for what has none, though it is there."""
    if value is not None:
        size = json_size(value)
        if size is None:
            return False
        attributes[name] = size
    return True


def _shape_of(message: Message, result: Mapping[str, Any] | None) -> Key | None:
    """What decides how a tool's arguments and result are described."""
    if message.method != "tools/call":
        return None
    params, result = message.params or _NOTHING, result or _NOTHING
    given, content = mapping_or_empty(params.get("arguments")), result.get("content")
    blocks = cast("list[object]", content)[:MOST_NAMES] if isinstance(content, list) else None
    return (
        tuple(given),
        tuple(map(kind_of, given.values())),
        tuple(dict.fromkeys(map(block_type, blocks))) if blocks is not None else None,
        kind_of(result.get("structuredContent")),
    )
