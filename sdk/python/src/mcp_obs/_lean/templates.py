"""What the spans of one tool have in common, described, written and looked up once."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import Any, NamedTuple

from pydantic_core import to_json

from mcp_obs import semconv
from mcp_obs._details import Details
from mcp_obs._forked_child import new_lock
from mcp_obs._guard import Guard
from mcp_obs._http import HttpOrigin, sender_attributes
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.wire import attribute, field, text
from mcp_obs._message import LIST, PLAIN, TARGETS, Message, client_of, mapping_or_empty, span_name
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.lean_series import LeanSeries
from mcp_obs._metrics.operations import bounded, measures_of
from mcp_obs._privacy.shapes import MOST_NAMES, block_type
from mcp_obs._sessions import Session, who
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
_MOST_SENDERS = 1024
# So many operations are counted before their metrics are exported.
MOST_UNCOUNTED = 512
_MANY_UNCOUNTED = MOST_UNCOUNTED // 2
_NOTHING: Mapping[str, Any] = {}
_NOBODY = (None, None)

_counting = new_lock()
_describing = Guard("describing an operation")

Key = tuple[Any, ...]


class Sender(NamedTuple):
    """What all messages of one client on one connection say of them, and the same as OTLP."""

    attributes: Mapping[str, Any]
    names: tuple[str, ...]
    encoded: bytes
    who: tuple[object, ...]
    """Whose session it is, where only the sender tells."""


class Tally:
    """The lengths of operations that are alike, in seconds, until they are counted: a hundred take what one does."""

    __slots__ = ("_counted", "lengths")

    def __init__(self, counted: Iterable[tuple[LeanSeries, float | None]]) -> None:
        self._counted = tuple(counted)
        """What is added to each is the length in units of which a second has so many, or one."""
        self.lengths: deque[float] = deque()

    def add(self, seconds: float) -> None:
        """Take the length of one."""
        self.lengths.append(seconds)
        if len(self.lengths) >= MOST_UNCOUNTED:
            self.count()

    def count(self) -> None:
        """Add what has come by now."""
        with _counting:
            lengths = [self.lengths.popleft() for _ in range(len(self.lengths))]
        if lengths:
            for series, units_per_second in self._counted:
                if units_per_second is None:
                    series.add(len(lengths), None)
                else:
                    series.add_all([seconds * units_per_second for seconds in lengths])


class Template(NamedTuple):
    """Name, kind and attributes of spans that are alike, as OTLP, and how they are counted."""

    described: bytes
    names: frozenset[str]
    """What a host can't set without changing it."""
    tally: Tally


class Templates:
    """Makes templates of what spans say and finds them again; for any thread.

    An operation is described in full where it is the first of its kind, or says more than a template holds: that
    takes four times as long.
    """

    def __init__(self, metrics: LeanMetrics | None) -> None:
        self._metrics = metrics
        self.known: dict[Key, Template] = {}
        self.senders: dict[tuple[object, ...], Sender] = {}
        self.bytes = 0
        """What keys and templates take, about."""
        if metrics is not None:
            metrics.observe(self._count)

    def find(self, span: OperationSpan) -> tuple[Template, Sender, dict[str, Any]] | None:
        """A span's template, its sender and what it says beside; None where it is to be described in full."""
        try:
            told = self._own(span)
            if told is not None:
                key, sender, rest = told
                template = self.known.get(key)
                if template is not None:
                    return template, sender, rest
                self._make(span, key, {**sender.attributes, **rest})
        except Exception as error:  # noqa: BLE001  whatever it is, the span is described in full
            _describing.swallow(error)
        return None

    def clear(self) -> None:
        """Forget all: the series are others now."""
        self.known.clear()
        self.bytes = 0

    def count_many(self) -> None:
        """Count where many have ended: of few, the more there are the less each takes."""
        for template in list(self.known.values()):
            if len(template.tally.lengths) >= _MANY_UNCOUNTED:
                template.tally.count()

    def _count(self) -> None:
        for template in list(self.known.values()):
            template.tally.count()

    def _make(self, span: OperationSpan, key: Key, own: Mapping[str, Any]) -> None:
        message, result = span.message, span.result
        template = self._template(span.let_go(), own)
        if template is None or message is None:
            return
        if message.method == "tools/call":
            shape = _shape_of(message.params or _NOTHING, result or _NOTHING)
            if shape != key[_PLACE_OF_SHAPE]:
                return
        size = len(repr(key)) + len(template.described)
        self.bytes += size
        if self.bytes > MOST_TEMPLATE_BYTES:
            # Another thread may add to one for as long as it finds it.
            forgotten = list(self.known.values())
            self.clear()
            for each in forgotten:
                each.tally.count()
            self.bytes = size
        if size <= MOST_TEMPLATE_BYTES:
            # Another thread may have made it and counted by it.
            self.known.setdefault(key, template)

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
        return Template(described, frozenset(alike) | _NOT_A_HOST_S, Tally(self._counted(labels)))

    def _counted(self, labels: Mapping[str, Any]) -> Iterator[tuple[LeanSeries, float | None]]:
        for measure in measures_of(labels):
            series = self._metrics.series(measure.metric, labels) if self._metrics is not None else None
            if isinstance(series, LeanSeries):
                yield series, measure.units_per_second

    def _own(self, span: OperationSpan) -> tuple[Key, Sender, dict[str, Any]] | None:
        """What tells its template from others, its sender, and what else it says of itself.

        None for what no template holds: what a host named, what is inside another operation, what has a URI. In one
        piece, as each call of a function costs as much as what most would do here.
        """
        message, details, ending = span.message, span.details, span.ending
        if message is None or details is None or ending is None or message.enclosing is not None or span.name:
            return None
        method, params, result, request_id = message.method, message.params, span.result, message.request_id
        given = params or _NOTHING
        target = given.get("name") if method in TARGETS else None
        if (target is not None and type(target) is not str) or "uri" in given or message.is_outbound:
            return None
        if type(request_id) is str and not _is_carried(request_id):
            return None

        origin = message.origin
        sender = self.sender(message, origin, client_of(method, given) or message.client or _NOBODY)
        if sender is None:
            return None
        rest: dict[str, Any] = {}
        session = _add_caller(rest, message, details, sender)
        try:
            if params is not None:
                rest[semconv.MCP_OBS_REQUEST_SIZE] = len(to_json(params))
            if result is not None:
                rest[semconv.MCP_OBS_RESPONSE_SIZE] = len(to_json(result))
        except Exception:  # noqa: BLE001  what has no such form says so when it is described in full
            return None
        if message.told:
            rest[semconv.MCP_OBS_NOTIFICATIONS_SENT] = message.told
        if request_id is not None:
            rest[semconv.JSONRPC_REQUEST_ID] = str(request_id)
        key = (
            sender.names,
            tuple(rest),
            method,
            _shape_of(given, result or _NOTHING) if method == "tools/call" else None,
            target,
            message.protocol_version,
            origin is None or origin.protocol_version,
            session.source if session is not None else None,
            ending[:_TOLD_OF_ENDING],
            message.negotiated,
        )
        return key, sender, rest

    def sender(
        self, message: Message, origin: HttpOrigin | None, client: tuple[str | None, str | None]
    ) -> Sender | None:
        """None where what is said of it is not to be remembered: a client can make up as many names as it likes."""
        if origin is not None:
            peer, session_id = origin.peer, origin.session_id(message.protocol_version)
        else:
            peer = session_id = None
        known_as = (peer, session_id, client)
        sender = self.senders.get(known_as)
        if sender is None:
            sender = _new_sender(peer, session_id, *client)
            if sender is not None:
                if len(self.senders) >= _MOST_SENDERS:
                    self.senders.clear()
                self.senders[known_as] = sender
        return sender


def _add_caller(
    attributes: dict[str, Any], message: Message, details: Details, sender: Sender
) -> Session | None:
    """The user, where anything says who it is, and the session."""
    origin = message.origin
    if (
        message.above
        or message.user is not None
        or message.session is not None
        or (origin is not None and (origin.token is not None or b"baggage" in origin.headers))
    ):
        attributes.update(details.users.of(message))
        session = details.session_of(message, {**sender.attributes, **attributes})
        if session is not None:
            attributes[semconv.MCP_OBS_SESSION_ID] = carried(session.id)
        return session
    protocol = sender.attributes.get(semconv.MCP_SESSION_ID)
    session = details.sessions.without_context(message, protocol, sender.who)
    if session is not None:
        attributes[semconv.MCP_OBS_SESSION_ID] = session.id
    return session


def _new_sender(
    peer: tuple[str, int] | None, session_id: str | None, name: str | None, version: str | None
) -> Sender | None:
    """None where a text is not carried as it is, or all together are long."""
    attributes: dict[str, Any] = sender_attributes(peer, session_id)
    if name is not None:
        attributes[semconv.MCP_CLIENT_NAME] = name
        if version:
            attributes[semconv.MCP_CLIENT_VERSION] = version
    texts = [value for value in attributes.values() if type(value) is str]
    if not all(map(_is_carried, texts)) or sum(map(len, texts)) > LONGEST_TEXT:
        return None
    encoded = b"".join(starmap(attribute, attributes.items()))
    return Sender(attributes, tuple(attributes), encoded, who(attributes))


def _is_carried(value: str) -> bool:
    """Whether a text is said as it is."""
    return value.isascii() and len(value) <= LONGEST_TEXT


def _shape_of(params: Mapping[str, Any], result: Mapping[str, Any]) -> Key:
    """What decides how a tool's arguments and result are described."""
    given = params.get("arguments")
    if type(given) is not PLAIN:
        given = mapping_or_empty(given)
    content, blocks = result.get("content", ()), None
    if isinstance(content, LIST):
        # Most have one.
        one = block_type(content[0]) if len(content) == 1 else None
        blocks = one or tuple(dict.fromkeys(map(block_type, content[:MOST_NAMES])))
    structured = result.get("structuredContent").__class__
    return (
        (tuple(given), tuple(map(type, given.values())), blocks, structured)
        if given
        else (blocks, structured)
    )
