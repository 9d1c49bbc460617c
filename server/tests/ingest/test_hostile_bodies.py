"""Exports made to break a receiver, over every way: they are refused, or what they say is kept as text."""

import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import httpx2
import pytest
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue

from bombs import MIB, members, zeros
from grpc_client import Failed, call
from hostile_words import WORDS
from mcp_obs_server.analytics.attribute import as_text
from mcp_obs_server.ingest.body import read_body
from mcp_obs_server.ingest.caps import MAX_COUNT, TRUNCATED
from mcp_obs_server.ingest.errors import ExportTooLarge
from mcp_obs_server.ingest.rejections import Count, Rejected
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.ingest.traces import TRACES
from nested_values import PLACES, deep_export
from otlp_door import Door
from otlp_exports import export, logs_export
from otlp_ways import HTTP_JSON, WAYS, Way, items, origins, sample
from server_process import forget_peak, grpc_address, new_key, peak_bytes, running

OK = grpc.StatusCode.OK
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT
RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED

MANY = 150
LISTS = {"traces": ("events", "links"), "metrics": ("exemplars",), "logs": ()}
"""What an item has any number of beside its attributes."""

each_way = pytest.mark.parametrize("way", WAYS, ids=str)
each_signal = pytest.mark.parametrize("signal", SIGNALS, ids=[signal.name for signal in SIGNALS])


@each_way
@pytest.mark.parametrize(
    ("body", "code", "why"),
    [
        (zeros(16), RESOURCE_EXHAUSTED, "inflates to over"),
        (members(16), RESOURCE_EXHAUSTED, "inflates to over"),
        (gzip.compress(b"") * 1025, INVALID_ARGUMENT, "over 1024 members"),
        (gzip.compress(gzip.compress(export(1).SerializeToString())), INVALID_ARGUMENT, "not"),
        (gzip.compress(gzip.compress(zeros(16))), INVALID_ARGUMENT, "not"),
    ],
    ids=["zeros", "members of zeros", "empty members", "zipped twice", "a bomb zipped twice"],
)
async def test_a_bomb_is_refused_before_it_has_gone_off(
    door: Door, way: Way, body: bytes, code: grpc.StatusCode, why: str
) -> None:
    answer = await way.send(door, TRACES, body, encoding="gzip")
    assert (answer.code, answer.retry_after_seconds) == (code, None)
    assert why in answer.message


async def test_a_body_is_inflated_in_small_pieces_and_no_further_than_the_first_beyond_the_limit() -> None:
    inflated: list[int] = []

    async def turn(work: Callable[[], bytes]) -> bytes:
        piece = work()
        inflated.append(len(piece))
        return piece

    async def one_chunk() -> AsyncIterator[bytes]:
        yield zeros(256)

    with pytest.raises(ExportTooLarge, match="inflates to over"):
        await read_body(one_chunk(), True, 4 * MIB, lambda _: None, turn)
    assert max(inflated) <= MIB
    assert sum(inflated) <= 5 * MIB


async def test_a_bomb_of_a_gibibyte_takes_little_more_of_a_servers_memory_than_the_limit(
    tmp_path: Path,
) -> None:
    bomb = zeros(1024)
    why = f"The body inflates to over {64 * MIB} bytes: send smaller batches."
    with running(tmp_path) as server:
        authorization = f"Bearer {new_key(server, tmp_path)}"
        headers = {
            "authorization": authorization,
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
        }
        address = grpc_address(server)
        forget_peak(server)
        before = peak_bytes(server)
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            refused = await client.post("/v1/traces", content=bomb)
        assert (refused.status_code, why in refused.text) == (413, True)
        metadata = (("authorization", authorization),)
        assert await call(address, bomb, metadata=metadata) == Failed(RESOURCE_EXHAUSTED, why)
        assert peak_bytes(server) - before < 100 * MIB


@each_way
async def test_an_export_in_as_many_members_as_a_body_may_have_is_kept(door: Door, way: Way) -> None:
    members_before = gzip.compress(b"") * 1023
    body = members_before + gzip.compress(way.encode(export(2)))
    assert (await way.send(door, TRACES, body, encoding="gzip")).code is OK
    assert await door.count("traces") == 2


@each_way
@pytest.mark.parametrize(
    ("is_map", "taken"), [(False, (5, 10, 20, 40)), (True, (5, 10, 20))], ids=["arrays", "maps"]
)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("span", "attributes['deep'] AS value, attribute_types['deep']"),
        ("point", "attributes['deep'] AS value, attribute_types['deep']"),
        ("body", "body AS value, body_type"),
    ],
)
async def test_values_in_values_are_kept_whole_or_refused_and_counted_and_harm_no_other_export(
    door: Door, way: Way, is_map: bool, taken: tuple[int, ...], place: str, value: str
) -> None:
    signal, _ = PLACES[place]
    # The deepest come first: whatever they did to the door would be seen in the others.
    depths = (1_000, 101, 99, 40, 20, 10, 5)
    for levels in depths:
        answer = await way.send(door, signal, deep_export(place, levels, is_map, way is HTTP_JSON))
        assert (answer.code, answer.rejected) == (OK if levels in taken else INVALID_ARGUMENT, 0)
    refused = Count(exports=len(depths) - len(taken))
    assert door.rejections.totals() == {Rejected(door.org_id, 1, signal.name, "malformed"): refused}
    rows = await door.rows(signal.name, f"{value}::String AS kind, hex(value) AS in_hex")
    texts = [as_text(row["kind"], bytes.fromhex(row["in_hex"])) for row in rows]
    opening, closing = ('{"k": ', "}") if is_map else ("[", "]")
    assert sorted(texts, key=len) == [opening * levels + '"x"' + closing * levels for levels in taken]


@each_way
@pytest.mark.parametrize("opening", [b'{"x":', b"[", b'{"resourceSpans":[{"x":['])
async def test_depth_where_nothing_is_expected_is_refused(door: Door, way: Way, opening: bytes) -> None:
    group = b"\x9b\x06"
    answer = await way.send(door, TRACES, (opening if way is HTTP_JSON else group) * 3_000)
    assert answer.code is INVALID_ARGUMENT


@each_way
@each_signal
async def test_thousands_of_attributes_are_cut_and_the_item_says_so(
    door: Door, way: Way, signal: Signal
) -> None:
    request = sample(signal, 1)
    for number in range(1_000):
        items(request)[0].attributes.add(key=f"k{number:03}").value.int_value = number
    assert (await way.send(door, signal, way.encode(request))).code is OK
    (row,) = await door.rows(signal.name, "attributes")
    assert len(row["attributes"]) in (MAX_COUNT - 1, MAX_COUNT, MAX_COUNT + 1)
    assert row["attributes"]["k100"] == "100"
    assert TRUNCATED in row["attributes"]


@each_way
@each_signal
async def test_of_150_things_of_a_kind_128_are_kept_and_the_row_names_what_was_cut(
    door: Door, way: Way, signal: Signal
) -> None:
    request = sample(signal, 1)
    (item,) = items(request)
    for owner in (item, *origins(request)):
        del owner.attributes[:]
        for number in range(MANY):
            owner.attributes.add(key=f"k{number:03}").value.int_value = number
    lists = LISTS[signal.name]
    for name in lists:
        for _ in range(MANY):
            getattr(item, name).add()
    assert (await way.send(door, signal, way.encode(request))).code is OK
    maps = ("attributes", "resource_attributes", "scope_attributes")
    columns = (
        f"hex({name}['{TRUNCATED}']) AS {name}_cut, length(mapKeys({name})) AS {name}_kept" for name in maps
    )
    lengths = (f"length({name}) AS {name}_length" for name in lists)
    (row,) = await door.rows(signal.name, ", ".join([*columns, *lengths]))
    named = {
        name: [each.string_value for each in ArrayValue.FromString(bytes.fromhex(row[f"{name}_cut"])).values]
        for name in maps
    }
    assert named == {
        "attributes": ["attributes", *lists],
        "resource_attributes": ["attributes"],
        "scope_attributes": ["attributes"],
    }
    # What says so comes on top.
    assert [row[f"{name}_kept"] for name in maps] == [MAX_COUNT + 1] * len(maps)
    assert [row[f"{name}_length"] for name in lists] == [MAX_COUNT] * len(lists)


@each_way
@each_signal
async def test_hostile_words_are_kept_as_they_were_sent_whether_keys_or_values(
    door: Door, way: Way, signal: Signal
) -> None:
    request = sample(signal, 1)
    del items(request)[0].attributes[:]
    for word in WORDS:
        items(request)[0].attributes.add(key=word).value.string_value = word[::-1]
    assert (await way.send(door, signal, way.encode(request))).code is OK
    (row,) = await door.rows(signal.name, "attributes")
    assert row["attributes"] == {word: word[::-1] for word in WORDS}


@each_way
async def test_hostile_words_are_only_text_in_every_name(door: Door, way: Way) -> None:
    request = export(len(WORDS))
    for word, span in zip(WORDS, items(request), strict=True):
        span.name = span.trace_state = span.status.message = word
        span.events.add(name=word)
        span.attributes.add(key="enduser.id").value.string_value = word
    assert (await way.send(door, TRACES, way.encode(request))).code is OK
    rows = await door.spans(
        "name, trace_state, status_message, user_id, arrayMap(e -> e.name, events) AS events"
    )
    assert [tuple(row.values()) for row in rows] == [(word, word, word, word, [word]) for word in WORDS]


@each_way
async def test_logs_sent_as_traces_are_no_spans(door: Door, way: Way) -> None:
    answer = await way.send(door, TRACES, way.encode(logs_export(3)))
    if way is HTTP_JSON:
        assert answer.code == INVALID_ARGUMENT
        assert answer.message == "The body has resourceLogs, which belong to /v1/logs."
    else:
        assert (answer.code, answer.rejected) == (OK, 3)
        assert "trace_id is not 16 bytes" in answer.message
    assert await door.spans() == []


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ('"__proto__": {"resourceSpans": 1}', OK),
        ('"resourceSpans": ' + "9" * 5_000, INVALID_ARGUMENT),
        ('"resourceSpans": 1e999', INVALID_ARGUMENT),
        ('"resourceSpans": [{"resource": {"attributes": [{"value": {"doubleValue": NaN}}]}}]', OK),
        ('"resourceSpans": [' + '{"scopeSpans": [{}]},' * 4_000 + "{}]", OK),
        ('"x": "\\ud800"', OK),
        ('"resourceSpans": [{"schemaUrl": "\ud83d"}]', INVALID_ARGUMENT),
    ],
    ids=["prototype", "endless number", "infinity", "no number", "many envelopes", "escaped half", "half"],
)
async def test_json_that_other_parsers_stumble_over(door: Door, member: str, code: grpc.StatusCode) -> None:
    body = ("{" + member + "}").encode(errors="surrogatepass")
    assert (await HTTP_JSON.send(door, TRACES, body)).code is code
