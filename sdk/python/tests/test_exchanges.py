"""Recorded conversations, held again with a real server of every installed library line, in both ways of recording."""

from dataclasses import replace
from typing import Any

import pytest
from sdk_kit.exchange import Exchange, matches, read_all
from sdk_kit.lines import IS_MCP_1_9, MCP, Line, installed_lines
from sdk_kit.proofs import place_of, proven_on
from sdk_kit.record_exchange import with_placeholders
from sdk_kit.recording import Recording
from sdk_kit.replay import Replay

EXCHANGES = read_all()
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
    expected = [said for said in exchange.messages if said["from"] == "server"]
    assert matches(expected, replay.answers, whole=False), replay.answers
    spans = [with_placeholders(span) for span in replay.spans]
    # The comparison of lists says what differs.
    assert spans == exchange.spans or matches(exchange.spans, spans)
    assert replay.metrics == exchange.metrics or matches(exchange.metrics, replay.metrics)
    assert [text for text in exchange.absent or [] if text in str(replay.spans)] == []


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
        ([1], [1, 2], False, False),
        ("a", "b", False, False),
    ],
)
def test_an_answer_may_have_more_than_is_asked_for_and_a_span_may_not(
    expected: Any, actual: Any, is_part: bool, is_whole: bool
):
    assert matches(expected, actual, whole=False) is is_part
    assert matches(expected, actual) is is_whole


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
    elicitation = next(one for one in EXCHANGES if one.name == "legacy-elicitation")
    concerned = {line.name: elicitation.concerns(line) for line in installed_lines().values()}
    assert concerned.get("mcp 1.x", False) is (MCP == 1 and not IS_MCP_1_9)
