# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, binding=False
"""Spans that a template describes, written; the exporter's thread has Python write the others.

From finding the template on, no code of Python's runs, so no other thread, no signal's handler and no garbage collection
comes in between: what is counted and kept needs no lock, and nothing that is taken here can be waited for by who
interrupts it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_GetSlice
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from mcp_obs._lean.compiled.json_size cimport Looks, is_small, json_size
from mcp_obs._lean.compiled.otlp cimport put_bytes, put_ids, put_number, put_text
from mcp_obs._lean.compiled.slots cimport offset_of, slot

from opentelemetry.trace import SpanContext

from mcp_obs import semconv
from mcp_obs._ending import Ending
from mcp_obs._guard import Guard
from mcp_obs._http import FIRST_SESSIONLESS_REVISION, HttpOrigin
from mcp_obs._lean import backlog as backlog_module
from mcp_obs._lean.largeness import LARGE_TEXT
from mcp_obs._lean.operation_span import NO_STATE, OperationSpan
from mcp_obs._lean.templates import MOST_UNCOUNTED
from mcp_obs._lean.wire import attribute, repeated_attribute
from mcp_obs._message import CLIENT_INFO, TARGETS, Message
from mcp_obs._privacy.shapes import BLOCKS
from mcp_obs._sessions import IDLE_NANOSECONDS


cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    bint PyUnicode_IS_ASCII(object)
    bint PyUnicode_CheckExact(object)


cdef Py_ssize_t _SPAN_ATTRIBUTES = offset_of(OperationSpan, "attributes")
cdef Py_ssize_t _SPAN_DETAILS = offset_of(OperationSpan, "details")
cdef Py_ssize_t _SPAN_END_TIME = offset_of(OperationSpan, "end_time")
cdef Py_ssize_t _SPAN_ENDING = offset_of(OperationSpan, "ending")
cdef Py_ssize_t _SPAN_EVENTS = offset_of(OperationSpan, "events")
cdef Py_ssize_t _SPAN_IDS = offset_of(OperationSpan, "ids")
cdef Py_ssize_t _SPAN_LINKS = offset_of(OperationSpan, "links")
cdef Py_ssize_t _SPAN_MESSAGE = offset_of(OperationSpan, "message")
cdef Py_ssize_t _SPAN_NAME = offset_of(OperationSpan, "name")
cdef Py_ssize_t _SPAN_PARENT = offset_of(OperationSpan, "parent")
cdef Py_ssize_t _SPAN_RESULT = offset_of(OperationSpan, "result")
cdef Py_ssize_t _SPAN_ROOT = offset_of(OperationSpan, "root")
cdef Py_ssize_t _SPAN_SECONDS = offset_of(OperationSpan, "seconds")
cdef Py_ssize_t _SPAN_START_TIME = offset_of(OperationSpan, "start_time")
cdef Py_ssize_t _SPAN_STATUS = offset_of(OperationSpan, "status")
cdef Py_ssize_t _SPAN_WEIGHT = offset_of(OperationSpan, "weight")
cdef Py_ssize_t _ABOVE = offset_of(Message, "above")
cdef Py_ssize_t _CLIENT = offset_of(Message, "client")
cdef Py_ssize_t _ENCLOSING = offset_of(Message, "enclosing")
cdef Py_ssize_t _IS_OUTBOUND = offset_of(Message, "is_outbound")
cdef Py_ssize_t _METHOD = offset_of(Message, "method")
cdef Py_ssize_t _NEGOTIATED = offset_of(Message, "negotiated")
cdef Py_ssize_t _ORIGIN = offset_of(Message, "known_origin")
cdef Py_ssize_t _PARAMS = offset_of(Message, "params")
cdef Py_ssize_t _PROTOCOL_VERSION = offset_of(Message, "protocol_version")
cdef Py_ssize_t _RECEIVED_NS = offset_of(Message, "received_ns")
cdef Py_ssize_t _REQUEST = offset_of(Message, "request")
cdef Py_ssize_t _REQUEST_ID = offset_of(Message, "request_id")
cdef Py_ssize_t _SESSION = offset_of(Message, "session")
cdef Py_ssize_t _TOLD = offset_of(Message, "told")
cdef Py_ssize_t _USER = offset_of(Message, "user")
cdef Py_ssize_t _HEADERS_GIVEN = offset_of(HttpOrigin, "_given")
cdef Py_ssize_t _HTTP_VERSION = offset_of(HttpOrigin, "protocol_version")
cdef Py_ssize_t _PEER = offset_of(HttpOrigin, "peer")
cdef Py_ssize_t _TOKEN = offset_of(HttpOrigin, "token")

# A module's names are looked up in a dict each time, these are not.
cdef object _no_state = NO_STATE
cdef object _operation_span = OperationSpan
cdef object _message = Message
cdef object _ending = Ending
cdef object _span_context = SpanContext
cdef object _backlog = backlog_module
cdef object _writing = Guard("writing by compiled code, so Python writes")
cdef object _http_origin = HttpOrigin
cdef dict _targets = TARGETS
cdef frozenset _blocks = BLOCKS
cdef object _attribute = attribute
cdef object _repeated_attribute = repeated_attribute
cdef str _client_info = CLIENT_INFO
cdef str _first_sessionless_revision = FIRST_SESSIONLESS_REVISION
cdef str _sampling_weight = semconv.MCP_OBS_SAMPLING_WEIGHT
cdef str _session_id = semconv.MCP_OBS_SESSION_ID
cdef str _protocol_session_id = semconv.MCP_SESSION_ID
cdef dict _nothing = {}
cdef tuple _nobody = (None, None)
cdef object _no_room = object()

# Beyond these a look takes longer than to hand the span over.
cdef Py_ssize_t _MOST_TEXT = LARGE_TEXT
cdef int _MOST_VALUES = 512
cdef int _MOST_LOOKED_AT = 64
cdef int _MOST_DEPTH = 32
cdef int _MOST_OF_THE_HOST = 8
cdef int64_t _idle_nanoseconds = IDLE_NANOSECONDS
cdef int _MOST_COUNTED_LATER = 4 * MOST_UNCOUNTED
cdef Py_ssize_t _LONGEST_REQUEST_ID = 64

# The two sizes, the notifications and the id: name and value of each have at most 26 and 64 bytes.
DEF _ROOM = 512

# What a span says of itself after its session, in its order; a bit for each.
cdef enum Said:
    REQUEST = 1
    RESPONSE = 2
    NOTIFICATIONS = 4
    ID = 8
_OWN = (
    semconv.MCP_OBS_REQUEST_SIZE,
    semconv.MCP_OBS_RESPONSE_SIZE,
    semconv.MCP_OBS_NOTIFICATIONS_SENT,
    semconv.JSONRPC_REQUEST_ID,
)
cdef list _own_of_bits = [
    (_session_id, *[name for bit, name in enumerate(_OWN) if bits >> bit & 1]) for bits in range(16)
]


cdef bytes _written_name(str name):
    """KeyValue's first field; a length is one byte."""
    cdef bytes encoded = name.encode()
    assert len(encoded) < 32
    return bytes((0x0A, len(encoded))) + encoded


cdef bytes _request_size = _written_name(semconv.MCP_OBS_REQUEST_SIZE)
cdef bytes _response_size = _written_name(semconv.MCP_OBS_RESPONSE_SIZE)
cdef bytes _notifications_sent = _written_name(semconv.MCP_OBS_NOTIFICATIONS_SENT)
cdef bytes _request_id = _written_name(semconv.JSONRPC_REQUEST_ID)


cdef class TemplateWriter:
    """Writes what the templates of a pipeline describe; for any thread."""

    cdef dict _known
    cdef dict _senders
    cdef object _sender
    cdef object _details
    cdef object _recent

    def __init__(self, templates):
        self._known = templates.known
        self._senders = templates.senders
        self._sender = templates.sender

    def write(self, span):
        """The bytes of a span that has ended, none of one that is not kept; None where it is not for this writer."""
        return self._guarded(span, None)

    def keep(self, span, together):
        """Have it wait in a deque until others are written with it; how many wait then.

        0 where it does not: by a few looks it can be large, which is not to be held.
        """
        if type(span) is not _operation_span:
            return 0
        message, result = slot(span, _SPAN_MESSAGE), slot(span, _SPAN_RESULT)
        cdef Looks looks
        looks.text, looks.values = _MOST_TEXT, _MOST_LOOKED_AT
        if type(message) is not _message or not is_small(slot(message, _METHOD), &looks):
            return 0
        if not is_small(slot(message, _REQUEST_ID), &looks) or not is_small(slot(message, _PARAMS), &looks):
            return 0
        if not is_small(result, &looks):
            return 0
        together.append(span)
        return len(together)

    def write_together(self, ended, backlog, left, refused):
        """Write what is in the deque `ended` into a backlog.

        What is not for this writer is moved to the end of `left`, and of `refused` where there is no room for it.
        """
        cdef object span, written
        for _ in range(len(ended)):
            try:
                span = ended.popleft()
            except IndexError:
                break  # another thread has it
            written = None
            try:
                written = self._guarded(span, backlog)
            finally:
                # A signal's handler may end it, where it asks Python for something.
                if written is None:
                    left.append(span)
            if written is _no_room:
                refused.append(span)

    cdef object _guarded(self, span, backlog):
        # Without a template there is nothing to look for.
        if type(span) is not _operation_span or not self._known:
            return None
        try:
            return self._written(span, backlog)
        except Exception as error:
            _writing.swallow(error)
            return None

    cdef object _written(self, span, backlog):
        cdef unsigned char own[_ROOM]
        cdef unsigned char *end = own
        cdef Looks looks
        cdef Py_ssize_t size
        cdef int bits = 0
        cdef dict params, result
        cdef tuple shape = None
        message, details, ending = slot(span, _SPAN_MESSAGE), slot(span, _SPAN_DETAILS), slot(span, _SPAN_ENDING)
        if type(message) is not _message or type(ending) is not _ending or details is None:
            return None
        if not _is_plain(span, message):
            return None
        origin = slot(message, _ORIGIN)
        method, given, answer = slot(message, _METHOD), slot(message, _PARAMS), slot(span, _SPAN_RESULT)
        if (given is not None and type(given) is not dict) or (answer is not None and type(answer) is not dict):
            return None
        params = _nothing if given is None else <dict> given
        result = _nothing if answer is None else <dict> answer
        target = params.get("name") if method in _targets else None
        if (target is not None and not PyUnicode_CheckExact(target)) or "uri" in params:
            return None

        cdef tuple sender = self._sender_of(message, params)
        if sender is None:
            return None
        session = self._session_of(message, details, sender)
        if session is None:
            return None
        looks.text, looks.values = _MOST_TEXT, _MOST_VALUES
        if given is not None:
            size = json_size(params, &looks, _MOST_DEPTH)
            if size < 0:
                return None
            bits |= REQUEST
            end = put_number(end, _request_size, size)
        if answer is not None:
            size = json_size(result, &looks, _MOST_DEPTH)
            if size < 0:
                return None
            bits |= RESPONSE
            end = put_number(end, _response_size, size)
        told = slot(message, _TOLD)
        if told:
            bits |= NOTIFICATIONS
            end = put_number(end, _notifications_sent, told)
        request_id = slot(message, _REQUEST_ID)
        if request_id is not None:
            bits |= ID
            if PyLong_CheckExact(request_id):
                request_id = str(request_id)
            if not _is_short(request_id):
                return None
            end = put_text(end, _request_id, request_id)
        if method == "tools/call":
            shape = _shape_of(params, result)
            if shape is None:
                return None
        cdef tuple names = <tuple> _own_of_bits[bits]
        cdef list of_host = _of_host(span)
        if of_host is None:
            return None
        cdef bytes of_session = <bytes> _repeated_attribute(_session_id, (<tuple> session)[0])
        key = (
            sender[1],
            names,
            method,
            shape,
            target,
            slot(message, _PROTOCOL_VERSION),
            True if origin is None else slot(origin, _HTTP_VERSION),
            (<tuple> session)[1],
            PyTuple_GetSlice(ending, 0, 3),
            slot(message, _NEGOTIATED),
        )
        cdef unsigned char rest[_ROOM]
        cdef unsigned char *at = put_ids(
            rest, <tuple> slot(span, _SPAN_IDS), slot(span, _SPAN_START_TIME), slot(span, _SPAN_END_TIME)
        )

        template = <tuple> self._known.get(key)
        if template is None or not _are_new(slot(span, _SPAN_ATTRIBUTES), <tuple> template, names, sender):
            return None
        seconds, lengths = slot(span, _SPAN_SECONDS), (<tuple> template)[2].lengths
        # It is for the exporter's thread to count.
        if len(lengths) >= _MOST_COUNTED_LATER:
            return None
        if not slot(span, _SPAN_WEIGHT):
            if seconds is not None:
                lengths.append(seconds)
            return b""
        written = _joined(<bytes> (<tuple> template)[0], <bytes> sender[2], of_session, own, end, of_host, rest, at)
        if seconds is not None:
            lengths.append(seconds)
        return written if backlog is None else _kept(backlog, written)

    cdef object _session_of(self, message, details, tuple sender):
        """The session; None where the exporter's thread is to find it, as it begins one or the host has a say."""
        protocol = (<dict> sender[0]).get(_protocol_session_id)
        if protocol is not None:
            return (protocol, "protocol") if protocol else None
        # As IdleGapSessions.session has it, for who has called before.
        if details is not self._details:
            self._recent, self._details = details.sessions.guesses.recent, details
        guess = self._recent.get(sender[3])
        if guess is None:
            return None
        cdef int64_t received_ns = slot(message, _RECEIVED_NS), last_ns = guess.last_ns
        if received_ns - last_ns > _idle_nanoseconds:
            return None
        if received_ns > last_ns:
            guess.last_ns = slot(message, _RECEIVED_NS)
        self._recent.move_to_end(sender[3])
        return guess.session

    cdef tuple _sender_of(self, message, dict params):
        """Who sends a message; None where that is not to be remembered, or is unusual."""
        origin = slot(message, _ORIGIN)
        method = slot(message, _METHOD)
        peer = session_id = client = None
        if origin is not None:
            peer = slot(origin, _PEER)
            revision = slot(message, _PROTOCOL_VERSION)
            if revision is None or revision < _first_sessionless_revision:
                session_id = origin.session_id(revision)
        if method == "initialize":
            return None
        meta = params.get("_meta")
        if type(meta) is dict:
            info = (<dict> meta).get(_client_info)
            if type(info) is dict:
                name, version = (<dict> info).get("name"), (<dict> info).get("version")
                if PyUnicode_CheckExact(name) and PyUnicode_CheckExact(version):
                    client = (name, version)
                else:
                    return None
            elif info is not None:
                return None
        elif meta is not None:
            return None
        if client is None:
            client = slot(message, _CLIENT) or _nobody
        sender = self._senders.get((peer, session_id, client))
        return <tuple> (self._sender(message, origin, client) if sender is None else sender)


cdef bint _is_plain(span, message):
    """Whether nothing of a host's, and no other span, has a say in what the span says."""
    cdef object ids = slot(span, _SPAN_IDS), origin = slot(message, _ORIGIN)
    if (type(ids) is not tuple and type(ids) is not _span_context) or (<tuple> ids)[4] is not _no_state:
        return False
    if slot(span, _SPAN_NAME) is not None or slot(span, _SPAN_ROOT) is not None:
        return False
    if slot(span, _SPAN_PARENT) is not None or slot(message, _ABOVE):
        return False
    if slot(span, _SPAN_STATUS) is not None or slot(span, _SPAN_EVENTS) is not None or slot(span, _SPAN_LINKS):
        return False
    if slot(message, _ENCLOSING) is not None or slot(message, _IS_OUTBOUND) or slot(message, _REQUEST) is not None:
        return False
    if slot(message, _USER) is not None or slot(message, _SESSION) is not None:
        return False
    if origin is None:
        return True
    if type(origin) is not _http_origin or slot(origin, _TOKEN) is not None:
        return False
    return _bring_no_baggage(slot(origin, _HEADERS_GIVEN))


cdef bint _bring_no_baggage(headers):
    """Whether headers as ASGI has them say nothing of a session; False for what is unusual."""
    if type(headers) is not list:
        return False
    for header in <list> headers:
        if type(header) is not tuple or PyTuple_GET_SIZE(header) != 2 or type((<tuple> header)[0]) is not bytes:
            return False
        if (<tuple> header)[0] == b"baggage":
            return False
    return True


cdef list _of_host(span):
    """What a host has set, and whom else the span stands for, as OTLP; None where that is much, or unusual."""
    given, weight = slot(span, _SPAN_ATTRIBUTES), slot(span, _SPAN_WEIGHT)
    cdef list written = []
    if weight != 1.0:
        written.append(_repeated_attribute(_sampling_weight, weight))
    if given is None:
        return written
    if type(given) is not dict or len(<dict> given) > _MOST_OF_THE_HOST:
        return None
    for name, value in list((<dict> given).items()):
        kind = type(value)
        if not PyUnicode_CheckExact(name) or not (kind is str or kind is int or kind is bool or kind is float):
            return None
        written.append(_attribute(name, value))
    return written


cdef bint _are_new(given, tuple template, tuple names, tuple sender):
    """Whether the names that a host has set are not those of what is said anyway."""
    if given is None:
        return True
    for name in <dict> given:
        if name in template[1] or name in names or name in sender[1]:
            return False
    return True


cdef bytes _joined(
    bytes described,
    bytes said_by_sender,
    bytes of_session,
    unsigned char *own,
    unsigned char *end,
    list of_host,
    unsigned char *rest,
    unsigned char *at,
):
    cdef Py_ssize_t length = PyBytes_GET_SIZE(described) + PyBytes_GET_SIZE(said_by_sender) + (end - own) + (at - rest)
    cdef bytes part
    length += PyBytes_GET_SIZE(of_session)
    for part in of_host:
        length += PyBytes_GET_SIZE(part)
    cdef bytes written = PyBytes_FromStringAndSize(NULL, length)
    cdef unsigned char *to = <unsigned char *> PyBytes_AS_STRING(written)
    to = put_bytes(to, described)
    to = put_bytes(to, said_by_sender)
    to = put_bytes(to, of_session)
    memcpy(to, own, end - own)
    to += end - own
    for part in of_host:
        to = put_bytes(to, part)
    memcpy(to, rest, at - rest)
    return written


cdef object _kept(backlog, bytes written):
    """As Backlog.put has it, where any thread may be at work."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(written)
    if backlog.bytes_put + backlog.bytes_at_once - backlog.bytes_gone + length > _backlog.MOST_BYTES:
        return _no_room
    backlog.bytes_at_once += length
    backlog.taken_at_once += 1
    backlog.spans.append(written)
    return written


cdef tuple _shape_of(dict params, dict result):
    """As templates has it; None for what is not usual."""
    arguments, content = params.get("arguments"), result.get("content", ())
    if arguments is not None and type(arguments) is not dict:
        return None
    blocks = None
    if type(content) is list:
        if len(<list> content) != 1 or type((<list> content)[0]) is not dict:
            return None
        blocks = (<dict> (<list> content)[0]).get("type")
        if not PyUnicode_CheckExact(blocks) or blocks not in _blocks:
            blocks = "other"
    elif content is not None and type(content) is not tuple:
        return None
    structured = type(result.get("structuredContent"))
    if not arguments:
        return blocks, structured
    return tuple(arguments), tuple([type(each) for each in (<dict> arguments).values()]), blocks, structured


cdef bint _is_short(object text):
    """An id that takes one byte to say how long it is."""
    return (
        PyUnicode_CheckExact(text) and PyUnicode_IS_ASCII(text) and PyUnicode_GET_LENGTH(text) <= _LONGEST_REQUEST_ID
    )
