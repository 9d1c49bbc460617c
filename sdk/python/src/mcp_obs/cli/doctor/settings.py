"""What the environment says, and where it contradicts itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

from mcp_obs import sampling
from mcp_obs._configuration import Configuration, is_enabled, resolve
from mcp_obs.cli.doctor.check import Check
from mcp_obs.cli.doctor.kept import Export
from mcp_obs.cli.doctor.shown import shown_header, shown_key, shown_url

VARIABLES = (
    "MCP_OBS_API_KEY",
    "MCP_OBS_ENABLED",
    "MCP_OBS_ENDPOINT",
    "MCP_OBS_EXPORTER",
    "MCP_OBS_METRICS",
    "MCP_OBS_PRIVACY",
    "MCP_OBS_SAMPLER",
    "MCP_OBS_SERVER_NAME",
    "MCP_OBS_STRICT",
    "MCP_OBS_USER_CLAIM",
    "MCP_OBS_USER_ID_KEY",
)
"""Everything that the SDK reads of ours, which a test compares with its code."""
OF_THE_COMMAND = ("MCP_OBS_DATA_DIR", "MCP_OBS_TOKEN", "MCP_OBS_URL")

_KEY = re.compile(r"mcpobs_(?:live|test|dev)_[0-9A-Za-z]{40}")
_OFF = {
    "MCP_OBS_ENABLED": "Leave it out, or set it to true.",
    "OTEL_SDK_DISABLED": "Leave it out: it switches OpenTelemetry off in the whole process.",
    "DO_NOT_TRACK": "Somebody has asked for no telemetry; leave it out where you decide otherwise.",
}
_SWITCHES = {"MCP_OBS_ENABLED": ("0", "false", "no", "off")}
_OTLP = {"otlp-http", "otlp-grpc"}
_YES = ("1", "true", "yes", "on")
# Ours, and what it stands before where both are set.
_TWICE = {
    "MCP_OBS_ENDPOINT": ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    "MCP_OBS_SAMPLER": ("OTEL_TRACES_SAMPLER",),
    "MCP_OBS_SERVER_NAME": ("OTEL_SERVICE_NAME",),
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def of_settings(environ: Mapping[str, str], exports: Sequence[Export]) -> list[Check]:
    """What is configured, by the environment or, as `exports` show, by the program; and all that is odd."""
    try:
        configuration = resolve(environ)
    except ValueError as error:
        return [Check("configuration", "problem", str(error), "Nothing is sent as long as this stands.")]
    if not is_enabled(environ):
        return [_switched_off(environ)]
    if configuration is None and not exports:
        return [
            Check(
                "configuration",
                "problem",
                "There is neither an API key nor an endpoint, so nothing is sent.",
                "Set MCP_OBS_API_KEY (`mcp-obs keys create` makes one), and MCP_OBS_ENDPOINT if it is elsewhere.",
            )
        ]
    found = Check("configuration", "ok", _described(configuration, exports))
    return [found, *_oddities(environ, configuration, exports)]


def would_send(environ: Mapping[str, str]) -> bool:
    """Whether spans would go over OTLP, as the environment has it."""
    try:
        configuration = resolve(environ) if is_enabled(environ) else None
    except ValueError:
        return False
    if configuration is None:
        return False
    return configuration.file is not None or bool(_OTLP & configuration.exporters.used(with_metrics=False))


def _switched_off(environ: Mapping[str, str]) -> Check:
    name = next(name for name in _OFF if environ.get(name, "").lower() in _SWITCHES.get(name, _YES))
    return Check("configuration", "problem", f"Telemetry is off by {name}={environ[name]}.", _OFF[name])


def _described(configuration: Configuration | None, exports: Sequence[Export]) -> str:
    parts: list[str] = []
    if exports:
        one = exports[0]
        parts.append(f"to {shown_url(one.url)}")
        if one.header("authorization"):
            parts.append(f"authorization {shown_header('authorization', one.header('authorization'))}")
        parts.append(
            "sends " + " and ".join(sorted({export.signal or "?" for export in exports}, reverse=True))
        )
    elif configuration is not None and configuration.endpoint:
        parts.append(f"to {shown_url(configuration.endpoint)}")
        if configuration.api_key:
            parts.append(f"key {shown_key(configuration.api_key)}")
    if configuration is not None:
        used = sorted(configuration.exporters.used(with_metrics=bool(configuration.metrics)))
        parts.append(f"by {configuration.file or ' and '.join(used) or 'no exporter'}")
        parts.append(f"privacy {configuration.privacy.rules}")
        parts.append(f"sampler {configuration.sampler or 'always_on'}")
        parts.append(f"users {'hashed' if configuration.users.id_key else 'as they are'}")
    return ", ".join(parts)


def _oddities(
    environ: Mapping[str, str], configuration: Configuration | None, exports: Sequence[Export]
) -> Iterator[Check]:
    yield from _misspelt(environ)
    yield from _said_twice(environ)
    if configuration is not None:
        yield from _of_endpoint(configuration)
        if isinstance(configuration.sampler, sampling.AlwaysOff):
            yield Check(
                "configuration",
                "warning",
                "The sampler keeps no operation, so the dashboard has no calls to show.",
                "Set MCP_OBS_SAMPLER=always_on, or sample by ratio or by rate.",
            )
    for export in exports[:1]:
        yield from _unencrypted(export)


def _misspelt(environ: Mapping[str, str]) -> Iterator[Check]:
    known = {*VARIABLES, *OF_THE_COMMAND}
    for name in sorted(environ):
        if name.startswith("MCP_OBS_") and name not in known:
            alike = get_close_matches(name, VARIABLES, 1, 0.85)
            if alike:
                yield Check(
                    "configuration", "warning", f"Nothing reads {name}.", f"{alike[0]} may be what is meant."
                )


def _said_twice(environ: Mapping[str, str]) -> Iterator[Check]:
    for ours, others in _TWICE.items():
        for other in others:
            if environ.get(ours) and environ.get(other) and environ[ours] != environ[other]:
                yield Check(
                    "configuration",
                    "warning",
                    f"{ours} and {other} differ, and {ours} counts.",
                    "Leave one of them out.",
                )
    if (
        environ.get("MCP_OBS_API_KEY")
        and "authorization" in environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").lower()
    ):
        yield Check(
            "configuration",
            "warning",
            "MCP_OBS_API_KEY and OTEL_EXPORTER_OTLP_HEADERS both say who sends.",
            "Leave one of them out.",
        )


def _of_endpoint(configuration: Configuration) -> Iterator[Check]:
    endpoint, key = configuration.endpoint or "", configuration.api_key
    if re.search(r"/v1/(traces|metrics|logs)$", endpoint):
        yield Check(
            "configuration",
            "warning",
            f"The endpoint {shown_url(endpoint)} has a signal's path, and gets another one.",
            f"Set it to {shown_url(endpoint).rsplit('/v1/', 1)[0]}.",
        )
    if key is not None and not _KEY.fullmatch(key):
        yield Check(
            "configuration",
            "warning",
            "The API key is none of mcp-obs, which look like mcpobs_live_ and 40 letters and digits; "
            f"this has {len(key)} characters.",
            "Copy the whole key; for another collector this is as it should be.",
        )


def _unencrypted(export: Export) -> Iterator[Check]:
    parts = urlsplit(export.url)
    is_plain = parts.scheme in ("http", "grpc") and parts.hostname not in _LOOPBACK
    if is_plain and export.header("authorization"):
        yield Check(
            "configuration",
            "warning",
            f"The key goes to {parts.hostname} unencrypted.",
            "Use https:// where anybody else can see the network.",
        )
