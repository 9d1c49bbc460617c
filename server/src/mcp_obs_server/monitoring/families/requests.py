"""Who asks, and how long it takes to answer."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric

from mcp_obs_server.kit.histogram import Histogram
from mcp_obs_server.monitoring.families import counter, gauge, histogram
from mcp_obs_server.monitoring.request_times import Request
from mcp_obs_server.servers.verifier import ApiKeyVerifier


def requests(seconds: Mapping[Request, Histogram]) -> Iterator[Metric]:
    """The API's requests."""
    yield histogram(
        "api_request_duration_seconds",
        "Answering a request of the API, its queries included.",
        Request._fields,
        dict(seconds).items(),
    )


def api_keys(verifier: ApiKeyVerifier) -> Iterator[Metric]:
    """How often an export's key was known without asking the database."""
    yield counter(
        "api_key_lookups",
        "Checks of API keys: a hit needs no database.",
        ("result",),
        [(("hit",), verifier.hits), (("miss",), verifier.misses)],
    )
    yield gauge("api_keys_known", "API keys remembered in memory.", (), [((), verifier.known_keys)])
