"""Broken and strange exports of every signal in both encodings, and into the engine with what is admitted of them."""

import asyncio
import gzip
import json
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.odd_protobuf import with_an_odd_field
from fuzz.promise import WINDOW, admitted, admitted_as_sent, inflated
from fuzz.seeds import bodies, signal_of, zipped
from mcp_obs_server.ingest.admission import rewritten
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.store import BatchRefusedError, TelemetryStore
from otlp_exports import batch, framed
from otlp_strategies import logs_requests, metrics_requests
from otlp_ways import HTTP_JSON

TABLES = {"traces": "spans", "metrics": "metric_points", "logs": "logs"}
Sent = tuple[Signal, bytes, bool]

SEEDS = list(bodies())
PROTOBUF = [seed for seed in SEEDS if not seed[2]]
# Only these are stored as they were sent.
SPANS = [seed for seed in PROTOBUF if seed[0].as_sent]
ZIPPED = list(zipped())
JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def changed(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with bytes changed, left out, repeated and put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 8)))
        put = draw(
            st.binary(max_size=8)
            | st.just(body[start:end] * 2)
            | st.sampled_from([b"\0", b"\xff", b"{", b"]"])
        )
        body = body[:start] + put + body[end:]
    return body


@st.composite
def broken(draw: st.DrawFn) -> Sent:
    """A seed that is changed."""
    signal, body, is_json = draw(st.sampled_from(SEEDS))
    return signal, changed(draw, body), is_json


@st.composite
def odd(draw: st.DrawFn, seeds: list[Sent]) -> Sent:
    """One of these in a way that parsers take and no serialiser writes."""
    signal, body, is_json = draw(st.sampled_from(seeds))
    return signal, with_an_odd_field(draw, signal.request.DESCRIPTOR, body), is_json


@st.composite
def broken_gzip(draw: st.DrawFn) -> bytes:
    """The same in gzip, or what is in it is changed."""
    if draw(st.booleans()):
        return changed(draw, draw(st.sampled_from(ZIPPED)))
    return gzip.compress(changed(draw, draw(st.sampled_from(SEEDS))[1]))


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


EXPORTS = broken() | odd(PROTOBUF) | strange_json() | legal()
# The organisation stays the same from example to example, so what is there already is counted first.
HEALTH = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
INSERTS = count()
# Other examples in every run; what failed before comes first.
FRESH = settings(settings.get_profile("default"), deadline=None, suppress_health_check=HEALTH)


@settings(FRESH, max_examples=5_000)
@given(sent=EXPORTS)
def test_every_export_is_refused_or_admitted_whole(sent: Sent) -> None:
    admitted_as_sent(*sent)


@settings(FRESH, max_examples=1_000)
@given(body=broken_gzip(), chunk_bytes=st.integers(1, 2_000))
def test_every_gzip_body_is_inflated_as_it_is_or_refused_in_time(body: bytes, chunk_bytes: int) -> None:
    assert inflated(body, chunk_bytes) == inflated(body, len(body) or 1)


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


@settings(FRESH, max_examples=50)
@given(sent=st.lists(odd(SPANS), min_size=4, max_size=12))
def test_the_engine_reads_what_a_trusted_sender_wrote_or_refuses_it_and_takes_it_written_anew(
    store: TelemetryStore, org_id: int, sent: list[Sent]
) -> None:
    for signal, body, is_json in sent:
        taken = admitted_as_sent(signal, body, is_json)
        if taken and taken.kept:
            before = stored(store, signal, org_id)
            try:
                insert(store, signal, org_id, taken.body)
            except BatchRefusedError:
                insert(store, signal, org_id, rewritten(signal, taken.body))
            assert stored(store, signal, org_id) == before + taken.kept


def insert(store: TelemetryStore, signal: Signal, org_id: int, body: bytes) -> None:
    store.insert(signal.name, framed(org_id, body, window=WINDOW), f"fuzz {next(INSERTS)}")


def stored(store: TelemetryStore, signal: Signal, org_id: int) -> int:
    sql = f"SELECT count() AS rows FROM {TABLES[signal.name]} WHERE org_id = {{org_id:UInt32}}"
    return asyncio.run(store.rows(sql, {"org_id": org_id}))[0]["rows"]
