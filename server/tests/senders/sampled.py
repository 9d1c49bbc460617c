"""An instrumented server that keeps a tenth of its calls: 5,000, of which a twentieth fail, in traces of fixed ids."""

import random

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

import mcp_obs
from mcp_obs import _exit
from mcp_obs._message import Message
from mcp_obs._operation import begin

CALLS = 5_000

# On a busy machine all of it takes more than an exit's half second to arrive.
_exit.EXIT_SECONDS = 60.0

if __name__ == "__main__":
    mcp_obs.configure_mcp_telemetry()
    draw = random.Random(2026)
    message = Message("tools/call", {"name": "add"}, 1, None, None, None)
    for number in range(CALLS):
        caller = SpanContext(draw.getrandbits(128), 1, is_remote=True, trace_flags=TraceFlags(1))
        operation = begin(lambda: message, trace.set_span_in_context(NonRecordingSpan(caller), Context()))
        assert operation is not None
        if number % 20:
            operation.answer({})
        else:
            operation.refuse(-32050, "Quota exceeded")
