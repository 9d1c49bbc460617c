# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, binding=False
"""Spans of operations that have nothing above them, started; Python starts the others."""

from mcp_obs._lean.compiled.slots cimport offset_of, put_slot, slot

from opentelemetry import context as context_module
from opentelemetry import trace
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

from mcp_obs import _clock as clock_module
from mcp_obs._guard import Guard
from mcp_obs._hosts.told_by import ASKED, USER
from mcp_obs._lean import random_ids
from mcp_obs._lean.operation_span import NO_STATE, ROOT_FLAGS, OperationSpan
from mcp_obs._message import Message
from mcp_obs._parent import NOTHING_ABOVE


cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object)


cdef object _variable_of(runtime):
    """Where the current context is; None where a host keeps it in another way."""
    return runtime._current_context if type(runtime) is ContextVarsRuntimeContext else None


cdef Py_ssize_t _SPAN_IDS = offset_of(OperationSpan, "ids")
cdef Py_ssize_t _SPAN_MESSAGE = offset_of(OperationSpan, "message")
cdef Py_ssize_t _SPAN_START_TIME = offset_of(OperationSpan, "start_time")
cdef Py_ssize_t _ABOVE = offset_of(Message, "above")
cdef Py_ssize_t _DETAILS = offset_of(Message, "details")
cdef Py_ssize_t _IS_OUTBOUND = offset_of(Message, "is_outbound")
cdef Py_ssize_t _PARAMS = offset_of(Message, "params")
cdef Py_ssize_t _RECEIVED_NS = offset_of(Message, "received_ns")
cdef Py_ssize_t _REQUEST = offset_of(Message, "request")

cdef list _slots_of_spans = [name for kind in OperationSpan.__mro__ for name in kind.__dict__.get("__slots__", ())]
cdef Py_ssize_t _SPAN_SLOTS[64]
cdef Py_ssize_t _SPAN_SLOT_COUNT = len(_slots_of_spans)
assert _SPAN_SLOT_COUNT <= 64
for _place, _name in enumerate(_slots_of_spans):
    _SPAN_SLOTS[_place] = offset_of(OperationSpan, _name)

# A module's names are looked up in a dict each time, these are not.
cdef object _operation_span = OperationSpan
cdef object _message = Message
cdef object _no_state = NO_STATE
cdef object _root_flags = ROOT_FLAGS
cdef object _nothing_above = NOTHING_ABOVE.context
cdef object _told_by_context = ASKED
cdef str _user = USER
cdef object _getrandbits = random_ids.getrandbits
cdef object _clock = clock_module
cdef object _trace = trace
cdef object _context = context_module
cdef object _runtime = context_module._RUNTIME_CONTEXT
cdef object _current_context = _variable_of(_runtime)
cdef object _starting = Guard("starting a span by compiled code, so Python starts it")


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
        put_slot(message, _DETAILS, self._details)
        put_slot(message, _ABOVE, _nothing_above)
        put_slot(message, _RECEIVED_NS, _clock.time_ns())
        if self._has_own_ids:
            trace_id, span_id = self._trace_id(), self._span_id()
        else:
            trace_id, span_id = _getrandbits(128) or 1, _getrandbits(64) or 1
        span = _like(self._prototype)
        put_slot(span, _SPAN_IDS, (trace_id, span_id, False, _root_flags, _no_state, True))
        put_slot(span, _SPAN_MESSAGE, message)
        put_slot(span, _SPAN_START_TIME, _clock.time_ns())
        return span

    cdef bint _has_nothing_above(self, message) except -1:
        """Neither a span, nor who knows better whose operation it is, nor who decides whether it is kept."""
        if slot(message, _IS_OUTBOUND) or self._users.asks:
            return False
        if getattr(_trace, "_TRACER_PROVIDER", None) is not None:
            return False
        if _current_context is None or _context._RUNTIME_CONTEXT is not _runtime or _current_context.get():
            return False
        params, request = slot(message, _PARAMS), slot(message, _REQUEST)
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
        put_slot(new, offset, slot(one, offset))
    return new
