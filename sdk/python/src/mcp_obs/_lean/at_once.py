"""Compiled code for what most operations are like, where it is at hand."""

import sys
import sysconfig
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp_obs._details import Details
from mcp_obs._guard import Guard
from mcp_obs._lean.templates import Templates

if TYPE_CHECKING:
    from mcp_obs._lean.compiled import SpanStarter, TemplateWriter

_loading = Guard("loading compiled code, so Python does its work")


def writer_of(templates: Templates) -> "TemplateWriter | None":
    """Writes spans as the templates have them; None where Python alone is at hand."""
    compiled = _compiled()
    return compiled[0](templates) if compiled is not None else None


def starter_of(
    details: Details, on_end: Callable[[Any], None], trace_id: Callable[[], int], span_id: Callable[[], int]
) -> "SpanStarter | None":
    """Starts spans that nobody samples; None where Python alone is at hand."""
    compiled = _compiled()
    return compiled[1](details, on_end, trace_id, span_id) if compiled is not None else None


def _compiled() -> "tuple[type[TemplateWriter], type[SpanStarter]] | None":
    """None where the package was installed without a compiler, and there is no wheel."""
    # It knows how CPython lays out objects. It needs the interpreter's lock, and loading it would bring that back for
    # the host too.
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    with _loading:
        try:
            from mcp_obs._lean.compiled import SpanStarter, TemplateWriter  # noqa: PLC0415  it may not be there
        except ImportError:
            return None
        return TemplateWriter, SpanStarter
    return None
