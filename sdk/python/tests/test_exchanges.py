"""Recorded conversations, held again with a real server of every installed library line, in both ways of recording."""

import json
import re
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

import anyio
import pytest
from sdk_kit import replay as replaying
from sdk_kit.exchange import Exchange, filled_in, matches, matches_metrics, read, read_all
from sdk_kit.lines import IS_MCP_1_9, MCP, Line, installed_lines
from sdk_kit.proofs import place_of, proven_on
from sdk_kit.record_exchange import keep_placeholders, keep_points, with_placeholders
from sdk_kit.recording import Recording
from sdk_kit.replay import Replay
from semconv_model import ContractError

EXCHANGES = read_all()
BY_NAME = {exchange.name: exchange for exchange in EXCHANGES}
OVER_HTTP = BY_NAME["legacy-http"]
HELD = [
    pytest.param(
        exchange,
        line,
        id=f"{exchange}-{line}",
        marks=[pytest.mark.behaviour(*exchange.proves), proven_on(line, exchange.transport)],
    )
    for exchange in EXCHANGES
    for line in installed_lines().values()
    if exchange.concerns(line)
]


# mcp 2.x calls what is gone from 2026-07-28 deprecated on all revisions.
@pytest.mark.filterwarnings("ignore:The logging capability is deprecated")
@pytest.mark.anyio
@pytest.mark.parametrize(("exchange", "spoken"), HELD)
async def test_an_exchange_gives_its_spans_and_metrics(
    exchange: Exchange, spoken: Line, recording: Recording
):
    replay = Replay(exchange, recording)
    await replay.run(spoken)
    answers = [said for said in exchange.messages if said["from"] == "server"]
    assert matches(answers, replay.answers, whole=False), difference(answers, replay.answers)
    spans = filled_in(exchange.spans, replay.known)
    assert matches(spans, replay.spans), difference(spans, replay.spans)
    assert matches_metrics(exchange.metrics, replay.metrics), difference(exchange.metrics, replay.metrics)
    # Not within an id: "ada" is three of its digits too.
    said = str(replay.spans)
    absent = [rf"(?<![0-9a-f]){re.escape(text)}(?![0-9a-f])" for text in exchange.absent or []]
    assert [text for text in absent if re.search(text, said)] == []


def difference(expected: Any, actual: Any) -> str:
    """What the file has, and what came of it."""
    old, new = (
        json.dumps(one, indent=2, sort_keys=True).splitlines()
        for one in (expected, keep_placeholders(expected, actual))
    )
    return "\n".join(unified_diff(old, new, "file", "replay", lineterm=""))


@pytest.mark.parametrize(
    ("expected", "actual", "is_part", "is_whole"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True, False),
        ({"a": 1}, {"a": 1}, True, True),
        ({"a": 1}, {"b": 1}, False, False),
        ({"a": "<int>"}, {"a": 7}, True, True),
        ({"a": "<int>"}, {"a": "7"}, False, False),
        ({"a": "<any>"}, {"a": "7"}, True, True),
        ({"a": "<int>"}, {"a": True}, False, False),
        ({"a": "<any>"}, {"a": None}, False, False),
        ({"a": 1}, {"a": True}, False, False),
        ({"a": False}, {"a": 0}, False, False),
        ([1], [1, 2], False, False),
        (["<any>"], [], False, False),
        ([None], [], False, False),
        ("a", "b", False, False),
    ],
)
def test_an_answer_may_have_more_than_is_asked_for_and_a_span_may_not(
    expected: Any, actual: Any, is_part: bool, is_whole: bool
):
    assert matches(expected, actual, whole=False) is is_part
    assert matches(expected, actual) is is_whole


def point(count: Any, **attributes: Any) -> dict[str, Any]:
    """One of a histogram."""
    return {"count": count, "attributes": attributes}


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        ([point(1, a="x", b="y")], [point(1, b="y", a="x")], True),
        ([point(1, a="x"), point(2, a="y")], [point(2, a="y"), point(1, a="x")], True),
        ([point(1, a="<any>"), point(1, a="x")], [point(1, a="x"), point(1, a="y")], True),
        ([point(1, a="x"), point(1, a="<any>")], [point(1, a="x"), point(1, a="y")], True),
        ([point("<int>", a="x"), point(1, a="<any>")], [point(1, a="y"), point(7, a="x")], True),
        ([point(1, a="<any>"), point(1, a="<any>")], [point(1, a="x")], False),
        ([point(1, a="<any>")], [point(1, a="x"), point(1, a="y")], False),
        ([point(1, a="x"), point(2, a="y")], [point(1, a="x"), point(1, a="y")], False),
        ([point(1, a="x"), point(1, a="x")], [point(1, a="x"), point(1, a="y")], False),
        ([point(1, a="x")], [point(1, a="x", b="y")], False),
        ([point(1, a=1)], [point(1, a=True)], False),
        ([point(1, a="x")], [], False),
        ([], [point(1, a="x")], False),
    ],
)
def test_the_points_of_a_metric_are_the_same_in_any_order(expected: Any, actual: Any, is_same: bool):
    assert matches_metrics({"duration": expected}, {"duration": actual}) is is_same
    assert matches_metrics({"duration": expected}, {"duration": actual[::-1]}) is is_same
    assert not matches_metrics({"duration": expected}, {})
    assert not matches_metrics({"duration": expected}, {"duration": actual, "another": []})


def test_recording_again_keeps_placeholders_that_match_and_sorts_points_by_their_attributes():
    before = [point(1, a="x"), point("<int>", a="<any>", b="z")]
    assert keep_points(before, [point(7, b="z", a="y"), point(1, a="x")]) == before[::-1]
    assert keep_points([], [point(1, b="x"), point(1, b="y", a="x")]) == [
        point(1, a="x", b="y"),
        point(1, b="x"),
    ]
    assert keep_placeholders({"a": "<int>", "b": "<any>"}, {"a": "x", "b": "y"}) == {"a": "x", "b": "<any>"}


@pytest.mark.anyio
async def test_the_session_of_a_span_is_the_one_that_the_server_gave(recording: Recording):
    replay = Replay(OVER_HTTP, recording)
    await replay.run(a_line_for(OVER_HTTP))
    session = replay.known["<session>"]
    assert [with_placeholders(span, session) for span in replay.spans] == OVER_HTTP.spans
    of_another = filled_in(OVER_HTTP.spans, replay.known | {"<session>": "another"})
    assert not matches(of_another, replay.spans)
    assert "<session>" not in str([with_placeholders(span, "another") for span in replay.spans])


@pytest.mark.anyio
async def test_a_body_that_the_server_takes_is_said(recording: Recording):
    first = OVER_HTTP.messages[0]
    taken = {"from": "client", "body": json.dumps(first["message"])}
    replay = Replay(replace(OVER_HTTP, messages=[taken]), recording)
    with pytest.raises(AssertionError, match="the server takes what it has to turn away"):
        await replay.run(a_line_for(OVER_HTTP))


@pytest.mark.anyio
async def test_a_stream_of_pings_is_not_awaited_for_ever(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
):
    async def pinging(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            await send({"type": "http.response.body", "body": b": ping\n\n", "more_body": True})
            await anyio.sleep(0.01)

    def app(server: Any) -> Any:
        return pinging

    monkeypatch.setattr(replaying, "SECONDS", 0.5)
    line = replace(a_line_for(OVER_HTTP), app=app)
    with pytest.raises(TimeoutError):
        await Replay(OVER_HTTP, recording).run(line)


def a_line_for(exchange: Exchange) -> Line:
    """The first installed one that it concerns."""
    return next(line for line in installed_lines().values() if exchange.concerns(line))


def test_a_parent_is_named_as_one_span_alone(tmp_path: Path):
    asking = BY_NAME["legacy-roots"]
    for spans in ([*asking.spans, asking.spans[-2]], asking.spans[-1:]):
        replace(asking, spans=spans).write(tmp_path)
        with pytest.raises(ContractError, match="exactly one span"):
            read(tmp_path / "legacy-roots.json")


def test_every_exchange_was_recorded_whole():
    assert len(EXCHANGES) > 60
    for exchange in EXCHANGES:
        is_turned_away = "mcp_obs.http.rejections" in exchange.metrics
        assert exchange.metrics, exchange.name
        assert exchange.spans or is_turned_away, exchange.name


def test_an_exchange_concerns_the_versions_that_answer_so():
    for line in installed_lines().values():
        exchange = next(one for one in EXCHANGES if one.concerns(line))
        library, _ = place_of(line)
        assert replace(exchange, since={library: "0.1"}).concerns(line)
        assert not replace(exchange, since={library: "99.0"}).concerns(line)


def test_an_exchange_concerns_the_versions_that_can_show_what_it_proves():
    elicitation = BY_NAME["legacy-elicitation"]
    concerned = {line.name: elicitation.concerns(line) for line in installed_lines().values()}
    assert concerned.get("mcp 1.x", False) is (MCP == 1 and not IS_MCP_1_9)
