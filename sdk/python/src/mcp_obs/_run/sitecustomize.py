"""Runs at the start of every Python process below `mcp-obs run`: it waits for an MCP library, which few import."""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from mcp_obs_after_import import after_import

_HERE = str(Path(__file__).parent)
_LIBRARIES = ("mcp.server", "fastmcp")


def _record_servers(library: ModuleType) -> None:
    try:
        from mcp_obs._auto import Instrumentor  # noqa: PLC0415

        Instrumentor().instrument()
    except Exception as error:  # noqa: BLE001  the program must run whatever is amiss with us
        print(
            f"mcp-obs can't record {library.__name__} in {sys.executable}: {error}. "
            "Install mcp-obs there: pip install mcp-obs",
            file=sys.stderr,
        )


def _run_the_one_behind() -> None:
    """A process has one sitecustomize, and ours stands before that of the machine or of another tool."""
    sys.path[:] = [place for place in sys.path if place != _HERE]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


for name in _LIBRARIES:
    after_import(name, _record_servers)
if "MCP_OBS_DOCTOR_FILE" in os.environ:
    from mcp_obs_kept_exports import keep_exports

    keep_exports(os.environ["MCP_OBS_DOCTOR_FILE"])
_run_the_one_behind()
