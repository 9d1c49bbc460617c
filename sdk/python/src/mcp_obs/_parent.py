"""Which trace an operation belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link


class Parent(NamedTuple):
    """The context to start a span in, and the spans to link it to."""

    context: Context
    links: Sequence[Link]


NOTHING_ABOVE = Parent(Context(), ())


def parent_of(meta: Mapping[str, Any], ambient: Context | None = None) -> Parent:
    """The parent comes from `_meta` (SEP-414); the ambient span, an HTTP server's, is linked then.

    `ambient` stands in for the current context where that one is not the message's own.
    """
    ambient = otel_context.get_current() if ambient is None else ambient
    # Each is the name of an HTTP header too, and those have no slash (RFC 9110, 5.6.2): MCP's own keys do, and the
    # newer protocols have some in every message.
    carrier: dict[str, str] = {}
    for key, value in meta.items():
        if "/" not in key and isinstance(value, str):
            carrier[key] = value  # noqa: PERF403  a comprehension is a call, before Python 3.12
    if not carrier:
        return Parent(ambient, ()) if ambient else NOTHING_ABOVE
    context = propagate.extract(carrier, ambient)
    around = trace.get_current_span(ambient).get_span_context()
    above = trace.get_current_span(context).get_span_context()
    # In one process the client's span can be both.
    if not around.is_valid or (around.trace_id, around.span_id) == (above.trace_id, above.span_id):
        return Parent(context, ())
    return Parent(context, (Link(around),))
