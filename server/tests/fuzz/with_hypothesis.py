"""Broken and strange exports of every signal in both encodings, and into the engine with what is admitted of them."""

import asyncio
import json
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.promise import WINDOW, admitted
from fuzz.seeds import bodies, signal_of
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.store import TelemetryStore
from otlp_exports import batch
from otlp_strategies import logs_requests, metrics_requests
from otlp_ways import HTTP_JSON

TABLES = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}
Sent = tuple[Signal, bytes, bool]

SEEDS = list(bodies())
JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def broken(draw: st.DrawFn) -> Sent:
    """A seed with bytes changed, left out, repeated and put in."""
    signal, body, is_json = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 8)))
        put = draw(
            st.binary(max_size=8)
            | st.just(body[start:end] * 2)
            | st.sampled_from([b"\0", b"\xff", b"{", b"]"])
        )
        body = body[:start] + put + body[end:]
    return signal, body, is_json


def keys(container: Any) -> list[Any]:
    """What each value in it is under."""
    return list(container) if hasattr(container, "keys") else list(range(len(container)))


def containers(value: Any) -> list[Any]:
    """Every object and array in a JSON value."""
    if type(value) not in (dict, list):
        return []
    return [value, *(each for key in keys(value) for each in containers(value[key]))]


@st.composite
def strange_json(draw: st.DrawFn) -> Sent:
    """A seed in JSON with values of any kind where others were."""
    signal, body, _ = draw(st.sampled_from([seed for seed in SEEDS if seed[2]]))
    whole: Any = json.loads(body)
    places = [(parent, key) for parent in containers(whole) for key in keys(parent)]
    for parent, key in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        parent[key] = draw(JSON_VALUES)
    return signal, json.dumps(whole).encode(), True


@st.composite
def legal(draw: st.DrawFn) -> Sent:
    """Any metrics and logs that the types allow."""
    request = draw(metrics_requests() | logs_requests())
    is_json = draw(st.booleans())
    return signal_of(request), HTTP_JSON.encode(request) if is_json else request.SerializeToString(), is_json


EXPORTS = broken() | strange_json() | legal()
# The organisation stays the same from example to example, so what is there already is counted first.
HEALTH = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
INSERTS = count()
# Other examples in every run; what failed before comes first.
FRESH = settings(settings.get_profile("default"), deadline=None, suppress_health_check=HEALTH)


@settings(FRESH, max_examples=5_000)
@given(sent=EXPORTS)
def test_every_export_is_refused_or_admitted_whole(sent: Sent) -> None:
    admitted(*sent)


@settings(FRESH, max_examples=100)
@given(sent=st.lists(EXPORTS, min_size=8, max_size=24))
def test_the_engine_stores_all_that_is_admitted(store: TelemetryStore, org_id: int, sent: list[Sent]) -> None:
    for signal in SIGNALS:
        taken = [admitted(*each) for each in sent if each[0] is signal]
        kept = [each for each in taken if each and each.kept]
        messages = [signal.request.FromString(each.body) for each in kept]
        before = stored(store, signal, org_id)
        store.insert(signal.name, batch(org_id, *messages, window=WINDOW), f"fuzz {next(INSERTS)}")
        assert stored(store, signal, org_id) == before + sum(each.kept for each in kept)


def stored(store: TelemetryStore, signal: Signal, org_id: int) -> int:
    sql = f"SELECT count() AS rows FROM {TABLES[signal.name]} WHERE org_id = {{org_id:UInt32}}"
    return asyncio.run(store.rows(sql, {"org_id": org_id}))[0]["rows"]
