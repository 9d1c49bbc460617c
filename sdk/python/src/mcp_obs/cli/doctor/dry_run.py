"""What would leave the process, and nothing does."""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp_obs._configuration import is_enabled, resolve
from mcp_obs.cli.doctor.checkup import installed_libraries
from mcp_obs.cli.doctor.observing import Observation, observe, sample
from mcp_obs.cli.doctor.shown import shown_export


def dry_run(command: Sequence[str], environ: Mapping[str, str]) -> Observation | None:
    """Observe the server of a command, or one of ours with a call; None where no MCP library is installed."""
    if command:
        return observe(command, environ)
    libraries = installed_libraries()
    return sample(libraries[0], _with_an_endpoint(environ), is_called=True) if libraries else None


def _with_an_endpoint(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What would be sent shows without a key too."""
    try:
        is_given = resolve(environ) is not None
    except ValueError:
        is_given = True  # it says itself what is wrong
    return environ if is_given else {**environ, "MCP_OBS_ENDPOINT": "http://127.0.0.1:4318"}


def exports_of(seen: Observation) -> list[dict[str, Any]]:
    """Every request, as it would be sent."""
    return [shown_export(export) for export in seen.kept.exports]


def why_nothing(seen: Observation, environ: Mapping[str, str]) -> str:
    """One sentence on an observation without exports."""
    if not is_enabled(environ):
        return "Nothing would be sent: telemetry is off."
    if seen.warnings:
        return f"Nothing would be sent: {seen.warnings[0]}"
    return "Nothing would be sent: a sampler leaves it out, or nothing is configured; `mcp-obs doctor` looks further."
