"""What most operations need, in Cython: started, measured and written in a few microseconds.

It does what `LightTracer.operation`, `Templates.find` and `SpanEncoder.encode` do, to the byte, and leaves to them what
is unusual. Only plain values of exact types are looked at, so no code of a host's runs here.
"""

from mcp_obs._lean.compiled.span_starter import SpanStarter
from mcp_obs._lean.compiled.template_writer import TemplateWriter

__all__ = ["SpanStarter", "TemplateWriter"]
