"""Compiled code that writes spans in the thread that they end in, where it is at hand."""

import sysconfig
from collections.abc import Callable

from mcp_obs._guard import Guard
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.templates import Templates

WriteAtOnce = Callable[[LightSpan], bytes | None]
"""The bytes of a span, none of one that is not kept; None where another thread is to write it."""

_loading = Guard("loading compiled code, so Python does its work")


def writing_at_once(templates: Templates) -> WriteAtOnce | None:
    """None where Python alone is at hand: the package was installed without a compiler, and there is no wheel."""
    # It was made for an interpreter with a lock, and to load it there would bring the lock back for the host too.
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    with _loading:
        try:
            from mcp_obs._lean.compiled import TemplateWriter  # noqa: PLC0415  it may not be there
        except ImportError:
            return None
        return TemplateWriter(templates).write
    return None
