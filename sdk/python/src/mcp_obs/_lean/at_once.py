"""Compiled code that writes spans in the thread that they end in, where it is at hand."""

import sys
import sysconfig
from typing import TYPE_CHECKING

from mcp_obs._guard import Guard
from mcp_obs._lean.templates import Templates

if TYPE_CHECKING:
    from mcp_obs._lean.compiled import TemplateWriter

_loading = Guard("loading compiled code, so Python does its work")


def writer_of(templates: Templates) -> "TemplateWriter | None":
    """None where Python alone is at hand: the package was installed without a compiler, and there is no wheel."""
    # It knows how CPython lays out objects. It needs the interpreter's lock, and loading it would bring that back for
    # the host too.
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    with _loading:
        try:
            from mcp_obs._lean.compiled import TemplateWriter  # noqa: PLC0415  it may not be there
        except ImportError:
            return None
        return TemplateWriter(templates)
    return None
