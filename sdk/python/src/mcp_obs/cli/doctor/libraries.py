"""What is installed where the server runs, and whether mcp-obs has hooks for it."""

from collections.abc import Iterator, Sequence

from mcp_obs._adapters import findings
from mcp_obs.cli.doctor.check import Check, worst
from mcp_obs.cli.doctor.kept import Process
from mcp_obs.cli.doctor.observing import Observation

_SHOWN = ("mcp", "fastmcp", "opentelemetry-api", "opentelemetry-sdk")
_NOT_AT_ALL = "not recorded at all"


def of_libraries(process: Process | None) -> Iterator[Check]:
    """The versions in the Python that serves MCP."""
    if process is None:
        yield Check(
            "libraries",
            "problem",
            "No Python that serves MCP has told what is installed in it.",
            "Run a server of mcp or fastmcp, in a Python that reads PYTHONPATH (so without -I, -E and -S).",
        )
        return
    release = process.versions.get("mcp-obs")
    if release is None:
        yield Check(
            "mcp-obs",
            "problem",
            f"It is not installed in {process.python}.",
            f"{process.python} -m pip install mcp-obs",
        )
    else:
        writes = "compiled code" if process.is_compiled else "Python"
        yield Check("mcp-obs", "ok", f"{release} in {process.python}, spans are written by {writes}")
    installed = [f"{name} {process.versions[name]}" for name in _SHOWN if process.versions.get(name)]
    proven = ", ".join(f"{name} {versions}" for name, versions in findings.PROVEN.items())
    yield Check("libraries", "ok", f"{', '.join(installed)} (proven on {proven})")


def of_hooks(observations: Sequence[Observation]) -> list[Check]:
    """What the adapters did not find while a server ran."""
    found = {
        finding: None
        for each in observations
        for process in each.kept.processes
        for finding in process.findings
    }
    troubles = [
        Check(
            "hooks",
            "problem" if _NOT_AT_ALL in finding.consequence else "warning",
            f"{finding.library} {finding.version} has no {finding.hook} that mcp-obs knows: {finding.consequence}.",
            f"Upgrade mcp-obs, or use {finding.library} {findings.PROVEN.get(finding.library, '')}.".rstrip(),
        )
        for finding in found
    ]
    served = [each.name for each in observations if not each.failure]
    return worst("hooks", f"{', '.join(served)}: all there", troubles) if served or troubles else []
