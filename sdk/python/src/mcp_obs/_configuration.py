"""Where telemetry goes: arguments first, then MCP_OBS_* variables, then the standard OTEL_* ones."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mcp_obs import sampling
from mcp_obs._exporters import choice
from mcp_obs._exporters.choice import OTLP_HTTP, Exporters
from mcp_obs._guard import WrongSettingError
from mcp_obs._metrics.categories import NONE, Category
from mcp_obs._metrics.categories import resolve as metric_categories
from mcp_obs._privacy.settings import DEFAULT_PRIVACY, Privacy, resolve_privacy
from mcp_obs._users import DEFAULT_USERS, UserSettings, resolve_users
from mcp_obs.sampling import Sampler

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
DEFAULT_GRPC_ENDPOINT = "http://127.0.0.1:4317"
_OTEL_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# Settings of the OpenTelemetry SDK and its exporters, which nothing else obeys.
_OF_THE_SDK = (
    "OTEL_EXPORTER_OTLP_",
    "OTEL_BSP_",
    "OTEL_SPAN_",
    "OTEL_EVENT_",
    "OTEL_LINK_",
    "OTEL_ATTRIBUTE_",
)
_NO = frozenset({"0", "false", "no", "off"})
_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Configuration:
    """What configure_mcp_telemetry settled on.

    `endpoint` is a base URL without /v1/traces; None leaves it to the OTEL_EXPORTER_OTLP_* variables.
    `server_name` is the resource's service.name; None leaves it to the OTEL_* variables.
    `metrics` are the categories that are exported.
    `sampler` is None where every operation is kept.
    `file` is OpenTelemetry's configuration file, where that decides all else.
    """

    api_key: str | None
    endpoint: str | None
    server_name: str | None
    metrics: frozenset[Category] = NONE
    privacy: Privacy = DEFAULT_PRIVACY
    sampler: Sampler | None = None
    users: UserSettings = DEFAULT_USERS
    exporters: Exporters = OTLP_HTTP
    file: str | None = None

    @property
    def is_lean(self) -> bool:
        """Whether all goes over OTLP/HTTP to an endpoint of ours."""
        used = self.exporters.used(with_metrics=bool(self.metrics))
        return self.endpoint is not None and list(used) == ["otlp-http"]

    def url(self, signal: str) -> str | None:
        """Where a signal goes."""
        return f"{self.endpoint}/v1/{signal}" if self.endpoint else None

    def headers(self) -> dict[str, str]:
        """What says who sends it."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


def is_enabled(environ: Mapping[str, str]) -> bool:
    """False when the environment turns telemetry off."""
    return (
        environ.get("MCP_OBS_ENABLED", "").lower() not in _NO
        and environ.get("OTEL_SDK_DISABLED", "").lower() not in _YES
        and environ.get("DO_NOT_TRACK", "").lower() not in _YES
    )


def resolve(
    environ: Mapping[str, str],
    api_key: str | None = None,
    endpoint: str | None = None,
    server_name: str | None = None,
    metrics: bool | Collection[str] | None = None,
    privacy: Privacy | str | None = None,
    sampler: Sampler | str | None = None,
    users: UserSettings | None = None,
    exporter: str | Collection[str] | None = None,
) -> Configuration | None:
    """The configuration, or None when nothing says where telemetry goes.

    Raises ValueError when the endpoint is not an http(s) URL, the key can't be sent, a category of metrics, the
    sampler or an exporter is none, or what is decided about privacy can't be applied.
    """
    api_key = _key(api_key or environ.get("MCP_OBS_API_KEY") or "")
    endpoint = _endpoint(endpoint or "") or _endpoint(environ.get("MCP_OBS_ENDPOINT", ""))
    is_named = bool(exporter or environ.get("MCP_OBS_EXPORTER"))
    file = environ.get("OTEL_CONFIG_FILE") or None
    if api_key or endpoint or is_named:
        file = None
    is_theirs = endpoint is None and any(environ.get(name) for name in _OTEL_ENDPOINTS)
    exporters = choice.resolve(environ, exporter, is_ours=bool(endpoint or api_key) and not is_theirs)
    if metrics is None and not environ.get("MCP_OBS_METRICS") and (file or "prometheus" in exporters.metrics):
        metrics = True
    categories = metric_categories(environ, metrics)
    used = exporters.used(with_metrics=bool(categories))
    if endpoint is None and not is_theirs and file is None and used & {"otlp-http", "otlp-grpc"}:
        if not (api_key or is_named):
            return None
        endpoint = DEFAULT_ENDPOINT if "otlp-http" in used else DEFAULT_GRPC_ENDPOINT
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        # Without a password.
        shown = endpoint.rpartition("@")[2]
        raise WrongSettingError(f"The endpoint must start with http:// or https://, and {shown!r} does not")
    return Configuration(
        api_key=api_key,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        server_name=server_name or environ.get("MCP_OBS_SERVER_NAME") or None,
        metrics=categories,
        privacy=resolve_privacy(environ, privacy),
        sampler=sampling.resolve(environ, sampler),
        users=users or resolve_users(environ),
        exporters=exporters,
        file=file,
    )


def _endpoint(endpoint: str) -> str | None:
    # A scheme is the same in any case (RFC 3986, 3.1), but exporters look for one in lower case.
    scheme, separator, rest = endpoint.strip().partition("://")
    return (scheme.lower() if separator else scheme) + separator + rest or None


def _key(api_key: str) -> str | None:
    # One that was read from a file ends with a newline.
    api_key = api_key.strip()
    if not (api_key.isascii() and api_key.isprintable()):
        raise WrongSettingError(
            "The API key has characters that no key has: check api_key and MCP_OBS_API_KEY"
        )
    return api_key or None


def needs_the_sdk(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for something that only the OpenTelemetry SDK's own pipeline does."""
    asked = any(value and name.startswith(_OF_THE_SDK) for name, value in environ.items())
    return asked or sampling.is_foreign(environ)
