"""What of arguments and results leaves the process, at every level of the ladder."""

import json
import re
from typing import Any

import pytest
from dirty_equals import IsInt, IsPartialDict, IsStr
from inline_snapshot import snapshot
from sdk_kit.lines import IS_MCP_1_9, Answer, Line, installed_lines
from sdk_kit.payloads import about_payloads, async_hook, begun, call
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._configuration import is_enabled
from mcp_obs._details import Details
from mcp_obs._message import Message
from mcp_obs._privacy.ladder import LEVELS, Ladder, read_rules
from mcp_obs._privacy.settings import Privacy, resolve_privacy


def test_the_last_rule_that_fits_a_tool_counts():
    ladder = Ladder(read_rules("redacted, pay_*=none, pay_list:results=full\nsearch:arguments = full"))
    tools = ["forecast", "pay_now", "pay_list", "search"]
    assert {
        tool: (ladder.level(tool, "arguments"), ladder.level(tool, "results")) for tool in tools
    } == snapshot(
        {
            "forecast": ("redacted", "redacted"),
            "pay_now": ("none", "none"),
            "pay_list": ("none", "full"),
            "search": ("full", "redacted"),
        }
    )


def test_what_no_rule_fits_is_recorded_as_a_shape():
    assert Ladder(read_rules("pay_*=none")).level("search", "results") == "shape"


@pytest.mark.parametrize(
    "rules", ["open", "=full", "pay=", "pay:=full", "pay:both=full", ":results=full", "a=b=all"]
)
def test_a_rule_that_is_none_is_refused_and_named(rules: str):
    with pytest.raises(ValueError, match="privacy") as caught:
        resolve_privacy({}, rules)
    assert rules in str(caught.value)


def test_the_argument_comes_before_the_variable_and_the_variable_before_the_default():
    environ = {"MCP_OBS_PRIVACY": "none"}
    assert resolve_privacy(environ, "full").rules == "full"
    assert resolve_privacy(environ, Privacy(names=["iban"])) == Privacy("none", names=["iban"])
    assert resolve_privacy({}, None).rules == "shape"


@pytest.mark.parametrize(
    ("privacy", "reason"),
    [
        (Privacy(patterns=["("]), r"'\(' is no regular expression"),
        (Privacy(patterns=["x*"]), "fits the empty text"),
        (Privacy(patterns=r"\d+"), "not one text"),
        (Privacy(patterns=[re.compile(b"x")]), "is no regular expression for text"),  # pyright: ignore[reportArgumentType]
        (Privacy(names="iban"), "not one text"),
        (Privacy(max_value_bytes=10), "at least 256"),
        (Privacy(redact=async_hook), "can't be async"),
    ],
)
def test_what_can_t_be_applied_is_refused_with_a_reason(privacy: Privacy, reason: str):
    with pytest.raises(ValueError, match=reason):
        resolve_privacy({}, privacy)


def test_a_pattern_that_is_refused_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    mcp_obs.configure_mcp_telemetry("k", "http://127.0.0.1:9", privacy=Privacy(patterns=["("]))
    assert _telemetry.current() is None
    assert "so nothing is sent" in caplog.text
    _telemetry.use(None)


ARGUMENTS = {
    "city": "Lisboa",
    "days": 3,
    "api_key": "hunter2",
    "to": "ada@example.com",
    "exact": True,
    "x": None,
}
RESULT = {
    "content": [
        {"type": "text", "text": '{"mail":"ada@example.com"}'},
        {"type": "image", "data": "AAAA", "mimeType": "i"},
    ],
    "structuredContent": {"degrees": 21.5},
    "_meta": {"trace": "ours"},
}


def recorded(way: Way, privacy: Privacy | str) -> dict[str, Any]:
    """The attributes about payloads of one call, as they leave the process."""
    with Recording(way, Details(resolve_privacy({}, privacy))) as recording:
        begun(call(ARGUMENTS)).answer(RESULT)
        return about_payloads(recording.picture("tools/call forecast"))


def test_none_records_nothing_and_each_other_level_all_of_the_one_below(way: Way):
    assert recorded(way, "none") == {}
    shape = recorded(way, "shape")
    assert shape == snapshot(
        {
            "mcp_obs.request.shape": {
                "city": "string",
                "days": "integer",
                "api_key": "string",
                "to": "string",
                "exact": "boolean",
                "x": "null",
            },
            "mcp_obs.response.shape": {"content": ["text", "image"], "structuredContent": "object"},
            "mcp_obs.request.size": 123,
            "mcp_obs.response.size": 177,
        }
    )
    assert recorded(way, "redacted") == shape | {
        "gen_ai.tool.call.arguments": ARGUMENTS | {"api_key": "[redacted secret]", "to": "[redacted email]"},
        "mcp_obs.redacted": 3,
        "gen_ai.tool.call.result": {
            "content": [
                {"type": "text", "text": '{"mail":"[redacted email]"}'},
                {"type": "image", "data": "[4 characters of base64]", "mimeType": "i"},
            ],
            "structuredContent": {"degrees": 21.5},
        },
    }
    said = {name: value for name, value in RESULT.items() if name != "_meta"}
    assert recorded(way, "full") == shape | {
        "gen_ai.tool.call.arguments": ARGUMENTS,
        "gen_ai.tool.call.result": said,
    }


lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)
# mcp 1.9 takes objects and arrays out of their JSON, also where a tool wants the text.
ADDRESSED = '"ada@example.com"' if IS_MCP_1_9 else '{"to": "ada@example.com"}'
"""What a client may say for a text: JSON with a secret in it."""
REDACTED = ADDRESSED.replace("ada@example.com", "[redacted email]")


async def greeted(line: Line, way: Way, privacy: Privacy | str | None, name: str = ADDRESSED) -> Any:
    """The span of a client's call of `greet`."""
    with Recording(way, Details(resolve_privacy({}, privacy))) as recording:
        async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
            assert await peer.call("greet", name=name) == Answer(f"Hello, {name}")
        return recording.picture("tools/call greet")


def said_in(picture: Any) -> tuple[Any, Any]:
    """The arguments, and the text of the result."""
    about = about_payloads(picture)
    (block,) = about["gen_ai.tool.call.result"]["content"]
    return about["gen_ai.tool.call.arguments"], block["text"]


@pytest.mark.behaviour("privacy.none")
@pytest.mark.anyio
@lines
async def test_of_a_call_at_none_not_even_the_size_is_told(line: Line, way: Way):
    picture = await greeted(line, way, "full, greet=none")
    assert about_payloads(picture) == {}
    assert "ada@" not in str(picture)


@pytest.mark.behaviour("privacy.shape")
@pytest.mark.anyio
@lines
async def test_of_a_call_names_types_and_sizes_are_told_when_nothing_is_said(line: Line, way: Way):
    picture = await greeted(line, way, None)
    assert about_payloads(picture) == {
        "mcp_obs.request.shape": {"name": "string"},
        "mcp_obs.request.size": IsInt(gt=len(ADDRESSED)),
        "mcp_obs.response.shape": IsPartialDict(content=["text"]),
        "mcp_obs.response.size": IsInt(gt=len(ADDRESSED)),
    }
    assert "ada@" not in str(picture)


@pytest.mark.behaviour("privacy.redacted")
@pytest.mark.anyio
@lines
async def test_of_a_call_at_redacted_the_secrets_inside_json_stay_here_too(line: Line, way: Way):
    picture = await greeted(line, way, "redacted")
    assert said_in(picture) == (
        {"name": REDACTED.replace(": ", ":")},
        f"Hello, {REDACTED}",
    )
    assert picture["attributes"]["mcp_obs.redacted"] >= 2
    assert "ada@" not in str(picture)


@pytest.mark.behaviour("privacy.full")
@pytest.mark.anyio
@lines
async def test_of_a_call_at_full_everything_is_told_within_bounds(line: Line, way: Way):
    assert said_in(await greeted(line, way, "full")) == ({"name": ADDRESSED}, f"Hello, {ADDRESSED}")
    picture = await greeted(line, way, Privacy("full", max_value_bytes=256), "ada " * 200)
    long = ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
    assert picture["attributes"]["mcp_obs.truncated"] == long
    assert [200 < len(picture["attributes"][name]) <= 256 for name in long] == [True, True]
    assert said_in(picture)[0] == {"name": IsStr(regex=r"(ada )+(a|ad|ada)?…")}


def test_what_is_cut_is_told_and_counted_for_both_directions(way: Way):
    privacy = Privacy("redacted", names=["city", "degrees"], max_value_bytes=256)
    large = {"city": "x", "text": "a" * 1000}
    with Recording(way, Details(privacy)) as recording:
        begun(call(large)).answer(
            {"content": [], "structuredContent": {"degrees": 1, "rows": ["é" * 300] * 3}}
        )
        attributes = recording.picture("tools/call forecast")["attributes"]
    assert attributes["mcp_obs.redacted"] == 2
    assert attributes["mcp_obs.truncated"] == ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
    for name in attributes["mcp_obs.truncated"]:
        assert 200 < len(attributes[name].encode()) <= 256
        json.loads(attributes[name])


@pytest.mark.behaviour("privacy.messages-without-secrets")
def test_a_secret_in_an_exception_s_message_and_in_a_uri_stays_here_at_every_level(way: Way):
    with Recording(way) as recording:
        for message in (
            call({}),
            Message("resources/read", {"uri": "db://ada:hunter2@host/?token=t0ps3cret"}, 2, None, None, None),
        ):
            operation = begun(message)
            operation.note(OSError("x" * 1010 + " ada@example.com"))
            operation.refuse(-32603, "no access for ada@example.com")
        said = str([recording.picture(name) for name in ("tools/call forecast", "resources/read")])
    # An id in hex can have "ada" in it.
    for secret in ("ada@", "ada:", "hunter2", "t0ps3cret"):
        assert secret not in said
    assert "[redacted email]" in said


def test_do_not_track_is_honoured():
    assert not is_enabled({"DO_NOT_TRACK": "1"})
    assert is_enabled({"DO_NOT_TRACK": "0"})


def test_levels_are_those_of_the_guide():
    assert LEVELS == ("none", "shape", "redacted", "full")
