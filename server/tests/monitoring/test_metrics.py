"""/metrics of a real server process, read as Prometheus reads it."""

import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError
from starlette.types import Receive, Scope, Send

from control_plane import ControlPlane
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.kit.errors import NotFoundError
from mcp_obs_server.kit.histogram import Histogram
from mcp_obs_server.kit.refused_requests import RefusedBecause
from mcp_obs_server.monitoring.request_times import Request, request_of
from mcp_obs_server.monitoring.scraper import ScraperToken
from mcp_obs_server.settings import Settings
from otlp_exports import SECOND, export
from server_process import Running, new_key, running

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "operations.md"
TOKEN = "a-token-of-a-scraper"
Parse = Callable[[str], Iterable[Metric]]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SPANS = 7


@dataclass(frozen=True)
class Observed:
    """A running server that was sent something."""

    server: Running
    data: Path

    def get(self, token: str, accept: str = "") -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}", "accept": accept}
        return httpx2.get(f"{self.server.url}/metrics", headers=headers, timeout=60)

    def families(self) -> Mapping[str, Metric]:
        response = self.get(TOKEN).raise_for_status()
        return {family.name: family for family in text_string_to_metric_families(response.text)}


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    data = tmp_path_factory.mktemp("data")
    with running(data, MCP_OBS_METRICS_TOKEN=TOKEN) as server:
        headers = {
            "authorization": f"Bearer {new_key(server, data)}",
            "content-type": "application/x-protobuf",
        }
        body = export(SPANS, start=time.time_ns() - 60 * SECOND).SerializeToString()
        unsound = export(2, seed=2, start=time.time_ns() - 60 * SECOND)
        unsound.resource_spans[0].scope_spans[0].spans[0].span_id = b""
        sent = unsound.SerializeToString()
        httpx2.post(f"{server.url}/v1/traces", content=sent, headers=headers, timeout=60).raise_for_status()
        stranger = {**headers, "authorization": "Bearer nobody's"}
        assert (
            httpx2.post(f"{server.url}/v1/traces", content=body, headers=stranger, timeout=60).status_code
            == 401
        )
        with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as connection:
            connection.sendall(b"\x16\x03\x01\x02")
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        for _ in range(2):
            httpx2.post(
                f"{server.url}/v1/traces", content=body, headers=headers, timeout=60
            ).raise_for_status()
        yield Observed(server, data)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


NOTHING: dict[tuple[str, ...], float] = {(each.name,): 0 for each in SIGNALS}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """Each sample of a family without buckets, by its labels' values in the order of their names."""
    return {tuple(value for _, value in sorted(s.labels.items())): s.value for s in family.samples}


def test_what_was_sent_is_counted_by_signal_organisation_and_server(observed: Observed) -> None:
    families = observed.families()
    whose = ("1", "1", "traces")
    assert values(families["mcp_obs_ingest_exports"]) == {whose: 3}
    assert values(families["mcp_obs_ingest_items"]) == {whose: 2 * SPANS + 1}
    assert values(families["mcp_obs_ingest_duplicate_exports"]) == {**NOTHING, ("traces",): 1}
    counts = {
        (sample.labels["signal"],): sample.value
        for sample in families["mcp_obs_ingest_duration_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counts == {**NOTHING, ("traces",): 3}
    assert values(families["mcp_obs_ingest_rejected_items"]) == {("1", "bad_span_id", "1", "traces"): 1}
    assert values(families["mcp_obs_ingest_refused_exports"]) == {("", "unauthenticated", "", "traces"): 1}
    assert values(families["mcp_obs_ingest_in_flight_bytes"]) == {(): 0}


def test_what_http_refused_by_itself_is_counted_by_every_reason_there_is(observed: Observed) -> None:
    counted = values(observed.families()["mcp_obs_http_refused_requests"])
    assert counted == {**{(reason,): 0 for reason in get_args(RefusedBecause)}, ("malformed",): 1}


def test_what_was_inserted_is_counted_and_measured(observed: Observed) -> None:
    deadline = time.monotonic() + 30
    while True:
        families = observed.families()
        rows, inserted, segments = (
            values(families[f"mcp_obs_{name}"])
            for name in ("store_rows", "store_inserted_bytes", "spool_segments")
        )
        # An insert is counted, and its segment removed, a moment after its rows can be read.
        if rows.get(("spans",)) == SPANS + 1 and inserted["traces",] > 0 and segments == NOTHING:
            break
        assert time.monotonic() < deadline
    assert values(families["mcp_obs_store_up"]) == {(): 1}
    assert values(families["mcp_obs_spool_limit_bytes"]) == {(): 2**30}


def test_both_formats_are_what_their_parsers_read(observed: Observed) -> None:
    older, newer = observed.get(TOKEN), observed.get(TOKEN, OPENMETRICS)
    assert older.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert newer.headers["content-type"].startswith(OPENMETRICS)
    parse = cast("Parse", openmetrics.text_string_to_metric_families)
    names = {family.name for family in parse(newer.text)}
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "mcp_obs_build"} <= names
    # The older format has no type for what is only information.
    assert {
        family.name.removesuffix("_info") for family in text_string_to_metric_families(older.text)
    } == names


def test_the_guide_has_every_metric_with_its_meaning(observed: Observed) -> None:
    rows = [
        f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.documentation} |"
        for family in observed.families().values()
        if family.name.startswith("mcp_obs_")
    ]
    assert [line for line in GUIDE.read_text().splitlines() if line.startswith("| `mcp_obs_")] == rows


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "x", "☃"])
def test_without_the_token_nothing_is_shown(observed: Observed, token: str) -> None:
    headers = {b"authorization": f"Bearer {token}".encode()}
    response = httpx2.get(f"{observed.server.url}/metrics", headers=headers, timeout=60)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert "MCP_OBS_METRICS_TOKEN" in response.json()["message"]


def test_probes_may_ask_by_head(observed: Observed) -> None:
    for path in ("/healthz", "/readyz"):
        assert httpx2.get(observed.server.url + path, timeout=60).raise_for_status().json()["status"] in (
            "ok",
            "ready",
        )
        assert httpx2.head(observed.server.url + path, timeout=60).raise_for_status().content == b""


def test_unless_a_token_is_set_metrics_are_off_and_the_answer_says_how_to_turn_them_on() -> None:
    for sent in ("", "Bearer ", "Bearer None"):
        with pytest.raises(NotFoundError, match="set MCP_OBS_METRICS_TOKEN"):
            ScraperToken(None).check(sent)


@pytest.mark.parametrize("token", ["", "short"])
def test_a_token_that_could_be_guessed_is_refused_at_the_start_and_not_printed(token: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(metrics_token=SecretStr(token))
    (error,) = refused.value.errors()
    assert error["loc"] == ("metrics_token",)
    assert "16" in error["msg"]
    assert not token or token not in error["msg"]


@given(st.lists(st.floats(0, 100)))
def test_a_bucket_counts_the_values_up_to_and_including_its_bound(numbers: list[float]) -> None:
    histogram = Histogram((0.5, 1.0, 50.0))
    for number in numbers:
        histogram.observe(number)
    counted = [(bound, sum(number <= float(bound) for number in numbers)) for bound in ("0.5", "1.0", "50.0")]
    assert [*histogram.buckets()] == [*counted, ("+Inf", len(numbers))]


async def test_strangers_can_not_make_labels_of_their_own(control: ControlPlane) -> None:
    seen: list[Request] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await control.app(scope, receive, send)
        seen.append(request_of(scope, 200))

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        for method, path in (("GET", "/api/me"), ("BREW", "/api/me"), ("GET", "/api/pot/1")):
            await client.request(method, path)
    assert seen == [
        Request("GET", "/api/me", 200),
        Request("_OTHER", "/api/me", 200),
        Request("GET", "_OTHER", 200),
    ]
