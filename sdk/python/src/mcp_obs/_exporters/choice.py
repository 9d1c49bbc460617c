"""Which exporters telemetry goes through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from mcp_obs._guard import WrongSettingError

Exporter = Literal["otlp-http", "otlp-grpc", "prometheus", "console"]
EXPORTERS: tuple[Exporter, ...] = get_args(Exporter)
# As OpenTelemetry's variables name them; what `otlp` is depends on the protocol.
_OF_OPENTELEMETRY: dict[str, Exporter | None] = {
    "otlp": None,
    "otlp_proto_http": "otlp-http",
    "otlp_proto_grpc": "otlp-grpc",
    "console": "console",
    "prometheus": "prometheus",
}
_OF_A_PROTOCOL: dict[str, Exporter] = {"": "otlp-http", "http/protobuf": "otlp-http", "grpc": "otlp-grpc"}
_LEAN: tuple[Exporter, ...] = ("otlp-http",)


@dataclass(frozen=True)
class Exporters:
    """Those of each signal. Nothing but metrics can be scraped."""

    spans: tuple[Exporter, ...] = _LEAN
    metrics: tuple[Exporter, ...] = _LEAN

    def used(self, *, with_metrics: bool) -> frozenset[Exporter]:
        """All that are needed."""
        return frozenset(self.spans + (self.metrics if with_metrics else ()))


OTLP_HTTP = Exporters()


def resolve(
    environ: Mapping[str, str], argument: str | Collection[str] | None = None, *, is_ours: bool = True
) -> Exporters:
    """The argument's, those of MCP_OBS_EXPORTER, or those of OpenTelemetry's variables.

    `is_ours` is whether mcp-obs was told where to send: the protocol and OTEL_TRACES_EXPORTER are the host's own then,
    and opentelemetry-distro always sets them. Raises ValueError for an exporter that there is not.
    """
    given = environ.get("MCP_OBS_EXPORTER", "") if argument is None else argument
    # A text is a collection too.
    names = given.split(",") if isinstance(given, str) else list(given)
    named = [name.strip().lower() for name in names if name.strip()]
    spans_otlp: Exporter = "otlp-http" if is_ours else _protocol(environ, "TRACES")
    metrics_otlp: Exporter = "otlp-http" if is_ours else _protocol(environ, "METRICS")
    if named:
        return Exporters(
            spans=tuple([_ours(name, spans_otlp) for name in named if name != "prometheus"]),
            metrics=tuple([_ours(name, metrics_otlp) for name in named]),
        )
    spans = (spans_otlp,) if is_ours else _spans_of_the_variable(environ, spans_otlp)
    return Exporters(spans, _metrics_of_the_variable(environ, metrics_otlp) or (metrics_otlp,))


def _protocol(environ: Mapping[str, str], signal: str) -> Exporter:
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(name, "").strip()
        if protocol not in _OF_A_PROTOCOL:
            raise WrongSettingError(f"{name} knows grpc and http/protobuf, and {protocol!r} is neither")
        if protocol:
            return _OF_A_PROTOCOL[protocol]
    return "otlp-http"


def _ours(name: str, otlp: Exporter) -> Exporter:
    for known in EXPORTERS:
        if name == known:
            return known
    if name != "otlp":
        raise WrongSettingError(f"exporter knows otlp, {', '.join(EXPORTERS)}, and {name!r} is none of them")
    return otlp


def _spans_of_the_variable(environ: Mapping[str, str], otlp: Exporter) -> tuple[Exporter, ...]:
    names = names_in(environ, "OTEL_TRACES_EXPORTER")
    if not names:
        return (otlp,)
    unknown = sorted(names - _OF_OPENTELEMETRY.keys() - {"none"} | names & {"prometheus"})
    if unknown:
        raise WrongSettingError(
            f"OTEL_TRACES_EXPORTER names {unknown[0]!r}, through which mcp-obs sends no spans"
        )
    return tuple(_OF_OPENTELEMETRY[name] or otlp for name in sorted(names - {"none"}))


def _metrics_of_the_variable(environ: Mapping[str, str], otlp: Exporter) -> tuple[Exporter, ...]:
    # It also serves the host, which may have others.
    names = names_in(environ, "OTEL_METRICS_EXPORTER") & _OF_OPENTELEMETRY.keys()
    return tuple(_OF_OPENTELEMETRY[name] or otlp for name in sorted(names))


def names_in(environ: Mapping[str, str], variable: str) -> frozenset[str]:
    """The exporters that one of OpenTelemetry's variables names."""
    return frozenset(name.strip() for name in environ.get(variable, "").split(",")) - {""}


def asks_for_metrics(environ: Mapping[str, str]) -> bool:
    """Whether OTEL_METRICS_EXPORTER names one of ours."""
    return not names_in(environ, "OTEL_METRICS_EXPORTER").isdisjoint(_OF_OPENTELEMETRY)
