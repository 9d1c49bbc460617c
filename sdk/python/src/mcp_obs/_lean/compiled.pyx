# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, binding=False
"""Spans as most operations have them, started and written in a few microseconds.

What `LightTracer.operation` does in Python, and `Templates.find` and `SpanEncoder.encode`, to the byte; nothing for any
other, which Python starts, or the exporter's thread writes. Only plain values of exact types are looked at, so no code
of a host's runs here. Where a span is written no code of Python's runs either, from finding the template on, so no other
thread, no signal's handler and no garbage collection comes in between: what is counted and kept needs no lock, and
nothing that is taken here can be waited for by who interrupts it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_GetSlice
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from types import MemberDescriptorType

from opentelemetry import context as context_module
from opentelemetry import trace
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import SpanContext
from pydantic_core import to_json

from mcp_obs import _clock as clock_module
from mcp_obs import semconv
from mcp_obs._ending import Ending
from mcp_obs._guard import Guard
from mcp_obs._hosts.told_by import ASKED, USER
from mcp_obs._http import FIRST_SESSIONLESS_REVISION, HttpOrigin
from mcp_obs._lean import backlog as backlog_module
from mcp_obs._lean import random_ids
from mcp_obs._lean.largeness import LARGE_TEXT
from mcp_obs._lean.operation_span import NO_STATE, ROOT_FLAGS, OperationSpan
from mcp_obs._lean.templates import MOST_UNCOUNTED
from mcp_obs._lean.wire import attribute, repeated_attribute
from mcp_obs._message import CLIENT_INFO, TARGETS, Message
from mcp_obs._parent import NOTHING_ABOVE
from mcp_obs._privacy.shapes import BLOCKS
from mcp_obs._sessions import IDLE_NANOSECONDS

cdef extern from "structmember.h":
    pass


cdef extern from "Python.h":
    void Py_INCREF(object)
    void Py_XDECREF(PyObject *)
    int PyUnicode_KIND(object)
    const void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    bint PyUnicode_IS_ASCII(object)
    Py_UCS4 PyUnicode_READ(int, const void *, Py_ssize_t)
    bint PyUnicode_CheckExact(object)
    unsigned long long PyLong_AsUnsignedLongLongMask(object) except? -1
    ctypedef struct PyMemberDef:
        Py_ssize_t offset
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member


cdef Py_ssize_t _offset(object of, str name) except -1:
    """Where an object has a slot: to ask for it by name takes twenty times as long."""
    for each in of.__mro__:
        found = each.__dict__.get(name)
        if type(found) is MemberDescriptorType:
            return (<PyMemberDescrObject *> found).d_member.offset
    raise ImportError(f"{of.__qualname__}.{name} is no slot")


cdef object _variable_of(runtime):
    """Where the current context is; None where a host keeps it in another way."""
    return runtime._current_context if type(runtime) is ContextVarsRuntimeContext else None


cdef inline object _slot(object of, Py_ssize_t offset):
    """What is in a slot; None where nothing is."""
    cdef PyObject *found = (<PyObject **> (<char *> <PyObject *> of + offset))[0]
    return None if found is NULL else <object> found


cdef inline void _put_slot(object of, Py_ssize_t offset, object value) noexcept:
    """Set what is in a slot."""
    cdef PyObject **slot = <PyObject **> (<char *> <PyObject *> of + offset)
    cdef PyObject *before = slot[0]
    Py_INCREF(value)
    slot[0] = <PyObject *> value
    Py_XDECREF(before)


cdef Py_ssize_t _SPAN_ATTRIBUTES = _offset(OperationSpan, "attributes")
cdef Py_ssize_t _SPAN_DETAILS = _offset(OperationSpan, "details")
cdef Py_ssize_t _SPAN_END_TIME = _offset(OperationSpan, "end_time")
cdef Py_ssize_t _SPAN_ENDING = _offset(OperationSpan, "ending")
cdef Py_ssize_t _SPAN_EVENTS = _offset(OperationSpan, "events")
cdef Py_ssize_t _SPAN_IDS = _offset(OperationSpan, "ids")
cdef Py_ssize_t _SPAN_LINKS = _offset(OperationSpan, "links")
cdef Py_ssize_t _SPAN_MESSAGE = _offset(OperationSpan, "message")
cdef Py_ssize_t _SPAN_NAME = _offset(OperationSpan, "name")
cdef Py_ssize_t _SPAN_PARENT = _offset(OperationSpan, "parent")
cdef Py_ssize_t _SPAN_RESULT = _offset(OperationSpan, "result")
cdef Py_ssize_t _SPAN_ROOT = _offset(OperationSpan, "root")
cdef Py_ssize_t _SPAN_SECONDS = _offset(OperationSpan, "seconds")
cdef Py_ssize_t _SPAN_START_TIME = _offset(OperationSpan, "start_time")
cdef Py_ssize_t _SPAN_STATUS = _offset(OperationSpan, "status")
cdef Py_ssize_t _SPAN_WEIGHT = _offset(OperationSpan, "weight")
cdef Py_ssize_t _ABOVE = _offset(Message, "above")
cdef Py_ssize_t _CLIENT = _offset(Message, "client")
cdef Py_ssize_t _DETAILS = _offset(Message, "details")
cdef Py_ssize_t _ENCLOSING = _offset(Message, "enclosing")
cdef Py_ssize_t _IS_OUTBOUND = _offset(Message, "is_outbound")
cdef Py_ssize_t _METHOD = _offset(Message, "method")
cdef Py_ssize_t _NEGOTIATED = _offset(Message, "negotiated")
cdef Py_ssize_t _ORIGIN = _offset(Message, "known_origin")
cdef Py_ssize_t _PARAMS = _offset(Message, "params")
cdef Py_ssize_t _PROTOCOL_VERSION = _offset(Message, "protocol_version")
cdef Py_ssize_t _RECEIVED_NS = _offset(Message, "received_ns")
cdef Py_ssize_t _REQUEST = _offset(Message, "request")
cdef Py_ssize_t _REQUEST_ID = _offset(Message, "request_id")
cdef Py_ssize_t _SESSION = _offset(Message, "session")
cdef Py_ssize_t _TOLD = _offset(Message, "told")
cdef Py_ssize_t _USER = _offset(Message, "user")
cdef Py_ssize_t _HEADERS_GIVEN = _offset(HttpOrigin, "_given")
cdef Py_ssize_t _HTTP_VERSION = _offset(HttpOrigin, "protocol_version")
cdef Py_ssize_t _PEER = _offset(HttpOrigin, "peer")
cdef Py_ssize_t _TOKEN = _offset(HttpOrigin, "token")

cdef list _slots_of_spans = [name for kind in OperationSpan.__mro__ for name in kind.__dict__.get("__slots__", ())]
cdef Py_ssize_t _SPAN_SLOTS[64]
cdef Py_ssize_t _SPAN_SLOT_COUNT = len(_slots_of_spans)
assert _SPAN_SLOT_COUNT <= 64
for _place, _name in enumerate(_slots_of_spans):
    _SPAN_SLOTS[_place] = _offset(OperationSpan, _name)

# A module's names are looked up in a dict each time, these are not.
cdef object _no_state = NO_STATE
cdef object _operation_span = OperationSpan
cdef object _message = Message
cdef object _ending = Ending
cdef object _span_context = SpanContext
cdef object _backlog = backlog_module
cdef object _starting = Guard("starting a span by compiled code, so Python starts it")
cdef object _writing = Guard("writing by compiled code, so Python writes")
cdef object _http_origin = HttpOrigin
cdef object _trace = trace
cdef object _getrandbits = random_ids.getrandbits
cdef object _clock = clock_module
cdef object _root_flags = ROOT_FLAGS
cdef object _nothing_above = NOTHING_ABOVE.context
cdef object _told_by_context = ASKED
cdef str _user = USER
cdef object _context = context_module
cdef object _runtime = context_module._RUNTIME_CONTEXT
cdef object _current_context = _variable_of(_runtime)
cdef dict _targets = TARGETS
cdef frozenset _blocks = BLOCKS
cdef object _to_json = to_json
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


cdef struct Looks:
    # How much may still be looked at.
    Py_ssize_t text
    int values


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
        message, result = _slot(span, _SPAN_MESSAGE), _slot(span, _SPAN_RESULT)
        cdef Looks looks
        looks.text, looks.values = _MOST_TEXT, _MOST_LOOKED_AT
        if type(message) is not _message or not _is_small(_slot(message, _METHOD), &looks):
            return 0
        if not _is_small(_slot(message, _REQUEST_ID), &looks) or not _is_small(_slot(message, _PARAMS), &looks):
            return 0
        if not _is_small(result, &looks):
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
        message, details, ending = _slot(span, _SPAN_MESSAGE), _slot(span, _SPAN_DETAILS), _slot(span, _SPAN_ENDING)
        if type(message) is not _message or type(ending) is not _ending or details is None:
            return None
        if not _is_plain(span, message):
            return None
        origin = _slot(message, _ORIGIN)
        method, given, answer = _slot(message, _METHOD), _slot(message, _PARAMS), _slot(span, _SPAN_RESULT)
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
            size = _json_size(params, &looks, _MOST_DEPTH)
            if size < 0:
                return None
            bits |= REQUEST
            end = _put_number(end, _request_size, size)
        if answer is not None:
            size = _json_size(result, &looks, _MOST_DEPTH)
            if size < 0:
                return None
            bits |= RESPONSE
            end = _put_number(end, _response_size, size)
        told = _slot(message, _TOLD)
        if told:
            bits |= NOTIFICATIONS
            end = _put_number(end, _notifications_sent, told)
        request_id = _slot(message, _REQUEST_ID)
        if request_id is not None:
            bits |= ID
            if PyLong_CheckExact(request_id):
                request_id = str(request_id)
            if not _is_short(request_id):
                return None
            end = _put_text(end, _request_id, request_id)
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
            _slot(message, _PROTOCOL_VERSION),
            True if origin is None else _slot(origin, _HTTP_VERSION),
            (<tuple> session)[1],
            PyTuple_GetSlice(ending, 0, 3),
            _slot(message, _NEGOTIATED),
        )
        cdef unsigned char rest[_ROOM]
        cdef unsigned char *at = _put_ids(
            rest, <tuple> _slot(span, _SPAN_IDS), _slot(span, _SPAN_START_TIME), _slot(span, _SPAN_END_TIME)
        )

        template = <tuple> self._known.get(key)
        if template is None or not _are_new(_slot(span, _SPAN_ATTRIBUTES), <tuple> template, names, sender):
            return None
        seconds, lengths = _slot(span, _SPAN_SECONDS), (<tuple> template)[2].lengths
        # It is for the exporter's thread to count.
        if len(lengths) >= _MOST_COUNTED_LATER:
            return None
        if not _slot(span, _SPAN_WEIGHT):
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
        cdef int64_t received_ns = _slot(message, _RECEIVED_NS), last_ns = guess.last_ns
        if received_ns - last_ns > _idle_nanoseconds:
            return None
        if received_ns > last_ns:
            guess.last_ns = _slot(message, _RECEIVED_NS)
        self._recent.move_to_end(sender[3])
        return guess.session

    cdef tuple _sender_of(self, message, dict params):
        """Who sends a message; None where that is not to be remembered, or is unusual."""
        origin = _slot(message, _ORIGIN)
        method = _slot(message, _METHOD)
        peer = session_id = client = None
        if origin is not None:
            peer = _slot(origin, _PEER)
            revision = _slot(message, _PROTOCOL_VERSION)
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
            client = _slot(message, _CLIENT) or _nobody
        sender = self._senders.get((peer, session_id, client))
        return <tuple> (self._sender(message, origin, client) if sender is None else sender)


cdef class SpanStarter:
    """Starts the spans of operations that have nothing above them, which nobody samples; for any thread."""

    cdef object _prototype
    cdef object _details
    cdef object _users
    cdef object _trace_id
    cdef object _span_id
    cdef bint _has_own_ids

    def __init__(self, details, on_end, trace_id, span_id):
        # To call these from here would take longer than what they do.
        self._has_own_ids = trace_id is not random_ids.new_trace_id or span_id is not random_ids.new_span_id
        # What it says so far, which is nothing, is shared by all: nobody may change that in its place.
        self._prototype = OperationSpan(None, None, None, (), on_end, details=details)
        self._details, self._users = details, details.users
        self._trace_id, self._span_id = trace_id, span_id

    def start(self, message):
        """The span of an operation that begins, which its message has noticed; None where that is not for this one."""
        try:
            return self._started(message)
        except Exception as error:
            _starting.swallow(error)
            return None

    cdef object _started(self, message):
        if type(message) is not _message or not self._has_nothing_above(message):
            return None
        _put_slot(message, _DETAILS, self._details)
        _put_slot(message, _ABOVE, _nothing_above)
        _put_slot(message, _RECEIVED_NS, _clock.time_ns())
        if self._has_own_ids:
            trace_id, span_id = self._trace_id(), self._span_id()
        else:
            trace_id, span_id = _getrandbits(128) or 1, _getrandbits(64) or 1
        span = _like(self._prototype)
        _put_slot(span, _SPAN_IDS, (trace_id, span_id, False, _root_flags, _no_state, True))
        _put_slot(span, _SPAN_MESSAGE, message)
        _put_slot(span, _SPAN_START_TIME, _clock.time_ns())
        return span

    cdef bint _has_nothing_above(self, message) except -1:
        """Neither a span, nor who knows better whose operation it is, nor who decides whether it is kept."""
        if _slot(message, _IS_OUTBOUND) or self._users.asks:
            return False
        if getattr(_trace, "_TRACER_PROVIDER", None) is not None:
            return False
        if _current_context is None or _context._RUNTIME_CONTEXT is not _runtime or _current_context.get():
            return False
        params, request = _slot(message, _PARAMS), _slot(message, _REQUEST)
        if request is None:
            if _told_by_context.get() is not None:
                return False
        else:
            scope = getattr(request, "scope", None)
            if type(scope) is not dict or _user in <dict> scope or "wsgi_environ" in <dict> scope:
                return False
        if params is None:
            return True
        if type(params) is not dict:
            return False
        meta = (<dict> params).get("_meta")
        if meta is None:
            return True
        if type(meta) is not dict:
            return False
        for name in <dict> meta:
            # What has a slash is MCP's own, as parent_of has it.
            if not PyUnicode_CheckExact(name) or ("/" not in <str> name and type((<dict> meta)[name]) is not int):
                return False
        return True


cdef object _like(object one):
    """A new object of its type with what its slots have."""
    cdef object new = _operation_span.__new__(_operation_span)
    cdef Py_ssize_t offset
    for offset in _SPAN_SLOTS[:_SPAN_SLOT_COUNT]:
        _put_slot(new, offset, _slot(one, offset))
    return new


cdef bint _is_small(object value, Looks *looks):
    """Whether so few values hold so little text."""
    cdef Py_ssize_t place = 0
    cdef PyObject *name
    cdef PyObject *each
    looks.values -= 1
    if looks.values < 0:
        return False
    if PyUnicode_CheckExact(value):
        looks.text -= PyUnicode_GET_LENGTH(value)
        return looks.text >= 0
    kind = type(value)
    if kind is dict:
        while PyDict_Next(value, &place, &name, &each):
            if not _is_small(<object> name, looks) or not _is_small(<object> each, looks):
                return False
        return True
    if kind is list:
        for member in <list> value:
            if not _is_small(member, looks):
                return False
        return True
    # Of an odd type it may be anything.
    return value is None or kind is bool or kind is int or kind is float


cdef bint _is_plain(span, message):
    """Whether nothing of a host's, and no other span, has a say in what the span says."""
    cdef object ids = _slot(span, _SPAN_IDS), origin = _slot(message, _ORIGIN)
    if (type(ids) is not tuple and type(ids) is not _span_context) or (<tuple> ids)[4] is not _no_state:
        return False
    if _slot(span, _SPAN_NAME) is not None or _slot(span, _SPAN_ROOT) is not None:
        return False
    if _slot(span, _SPAN_PARENT) is not None or _slot(message, _ABOVE):
        return False
    if _slot(span, _SPAN_STATUS) is not None or _slot(span, _SPAN_EVENTS) is not None or _slot(span, _SPAN_LINKS):
        return False
    if _slot(message, _ENCLOSING) is not None or _slot(message, _IS_OUTBOUND) or _slot(message, _REQUEST) is not None:
        return False
    if _slot(message, _USER) is not None or _slot(message, _SESSION) is not None:
        return False
    if origin is None:
        return True
    if type(origin) is not _http_origin or _slot(origin, _TOKEN) is not None:
        return False
    return _bring_no_baggage(_slot(origin, _HEADERS_GIVEN))


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
    given, weight = _slot(span, _SPAN_ATTRIBUTES), _slot(span, _SPAN_WEIGHT)
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
    to = _put_bytes(to, described)
    to = _put_bytes(to, said_by_sender)
    to = _put_bytes(to, of_session)
    memcpy(to, own, end - own)
    to += end - own
    for part in of_host:
        to = _put_bytes(to, part)
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


cdef Py_ssize_t _json_size(object value, Looks *looks, int depth) except -2:
    """The bytes that `to_json` writes of it, without writing them; -1 where it is large, or no plain JSON."""
    cdef Py_ssize_t size, part, place = 0
    cdef PyObject *name
    cdef PyObject *each
    cdef int overflow = 0
    cdef int64_t number
    looks.values -= 1
    if looks.values < 0 or depth < 0:
        return -1
    if PyUnicode_CheckExact(value):
        return _text_size(<str> value, looks)
    if value is None or value is True:
        return 4
    if value is False:
        return 5
    kind = type(value)
    if kind is dict:
        size = 1 if <dict> value else 2
        # Only to_json runs meanwhile, of numbers: no code of a host's that could change it.
        while PyDict_Next(value, &place, &name, &each):
            if not PyUnicode_CheckExact(<object> name):
                return -1
            part = _text_size(<str> name, looks)
            if part < 0:
                return -1
            size += part + 2
            member = <object> each
            part = _json_size(member, looks, depth - 1)
            if part < 0:
                return -1
            size += part
        return size
    if kind is list:
        size = 1 if <list> value else 2
        for member in <list> value:
            part = _json_size(member, looks, depth - 1)
            if part < 0:
                return -1
            size += part + 1
        return size
    if kind is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if not overflow:
            return _digits(number)
    elif kind is not float:
        return -1
    return len(<bytes> _to_json(value))


cdef Py_ssize_t _text_size(str value, Looks *looks) except -2:
    """With its quotes; -1 for what UTF-8 does not have, or is much."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(value), size = length + 2, place, escaped = 0
    cdef int kind = PyUnicode_KIND(value)
    cdef const void *data = PyUnicode_DATA(value)
    cdef const unsigned char *ascii
    cdef Py_UCS4 each
    looks.text -= length
    if looks.text < 0:
        return -1
    if PyUnicode_IS_ASCII(value):
        # Most have nothing to escape, which takes a tenth to find out.
        ascii = <const unsigned char *> data
        for place in range(length):
            escaped += (ascii[place] < 0x20) | (ascii[place] == 0x22) | (ascii[place] == 0x5C)
        if not escaped:
            return size
    for place in range(length):
        each = PyUnicode_READ(kind, data, place)
        if each < 0x20:
            # \b, \t, \n, \f and \r, or \u and four digits.
            size += 1 if 8 <= each <= 13 and each != 11 else 5
        elif each < 0x80:
            size += each == 0x22 or each == 0x5C
        elif each < 0x800:
            size += 1
        elif 0xD800 <= each < 0xE000:
            return -1
        else:
            size += 2 if each < 0x10000 else 3
    return size


cdef Py_ssize_t _digits(int64_t number) noexcept:
    cdef uint64_t left = <uint64_t> number
    cdef Py_ssize_t size = 1
    if number < 0:
        left = 0 - left
        size = 2
    while left > 9:
        left //= 10
        size += 1
    return size


cdef bint _is_short(object text):
    """An id that takes one byte to say how long it is."""
    return (
        PyUnicode_CheckExact(text) and PyUnicode_IS_ASCII(text) and PyUnicode_GET_LENGTH(text) <= _LONGEST_REQUEST_ID
    )


cdef unsigned char *_put_bytes(unsigned char *to, bytes part) noexcept:
    cdef Py_ssize_t length = PyBytes_GET_SIZE(part)
    memcpy(to, PyBytes_AS_STRING(part), length)
    return to + length


cdef unsigned char *_put_varint(unsigned char *to, uint64_t number) noexcept:
    while number > 127:
        to[0] = <unsigned char> (number & 127 | 128)
        to += 1
        number >>= 7
    to[0] = <unsigned char> number
    return to + 1


cdef unsigned char *_put_number(unsigned char *to, bytes name, uint64_t number) noexcept:
    """An attribute (trace.proto, Span.attributes) that is an int64."""
    cdef unsigned char digits[10]
    cdef Py_ssize_t length = _put_varint(digits, number) - digits
    to[0] = 0x4A
    to[1] = <unsigned char> (PyBytes_GET_SIZE(name) + length + 3)
    to = _put_bytes(to + 2, name)
    to[0], to[1], to[2] = 0x12, <unsigned char> (length + 1), 0x18
    memcpy(to + 3, digits, length)
    return to + 3 + length


cdef unsigned char *_put_text(unsigned char *to, bytes name, object text) noexcept:
    """One that is a short text."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    to[0] = 0x4A
    to[1] = <unsigned char> (PyBytes_GET_SIZE(name) + length + 4)
    to = _put_bytes(to + 2, name)
    to[0], to[1], to[2], to[3] = 0x12, <unsigned char> (length + 2), 0x0A, <unsigned char> length
    memcpy(to + 4, PyUnicode_DATA(text), length)
    return to + 4 + length


cdef unsigned char *_put_big_endian(unsigned char *to, uint64_t number) noexcept:
    cdef int place
    for place in range(8):
        to[place] = <unsigned char> (number >> 56 - 8 * place & 255)
    return to + 8


cdef unsigned char *_put_little_endian(unsigned char *to, uint64_t number) noexcept:
    cdef int place
    for place in range(8):
        to[place] = <unsigned char> (number >> 8 * place & 255)
    return to + 8


cdef unsigned char *_put_ids(unsigned char *to, tuple ids, start_time, end_time) except NULL:
    """Ids, times and flags of a span without a parent (trace.proto, Span)."""
    to[0], to[1] = 0x0A, 16
    to = _put_big_endian(to + 2, PyLong_AsUnsignedLongLongMask(ids[0] >> 64))
    to = _put_big_endian(to, PyLong_AsUnsignedLongLongMask(ids[0]))
    to[0], to[1] = 0x12, 8
    to = _put_big_endian(to + 2, PyLong_AsUnsignedLongLongMask(ids[1]))
    to[0] = 0x39
    to = _put_little_endian(to + 1, PyLong_AsUnsignedLongLongMask(start_time))
    to[0] = 0x41
    to = _put_little_endian(to + 1, PyLong_AsUnsignedLongLongMask(end_time))
    # SpanFlags: that it has no remote parent is known.
    to[0], to[1], to[2], to[3], to[4], to[5] = 0x85, 1, 0, 1, 0, 0
    return to + 6
