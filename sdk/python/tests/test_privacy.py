"""What of arguments and results leaves the process, at every level of the ladder."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from dirty_equals import IsInt, IsPartialDict, IsStr
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sdk_kit.collector import collecting
from sdk_kit.lines import IS_MCP_1_9, Answer, Line, installed_lines
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._configuration import is_enabled
from mcp_obs._details import Details
from mcp_obs._exit import at_exit
from mcp_obs._message import Message
from mcp_obs._operation import Operation, begin
from mcp_obs._privacy.ladder import LEVELS, Ladder, read_rules
from mcp_obs._privacy.redactor import LOOKAHEAD, Redactor
from mcp_obs._privacy.secret_names import secret_names
from mcp_obs._privacy.settings import Privacy, resolve_privacy
from mcp_obs._privacy.shapes import Shapes
from mcp_obs._privacy.writer import write

REDACTOR = Redactor()


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


async def _async_hook(value: object, path: object) -> object:
    return value


@pytest.mark.parametrize(
    ("privacy", "reason"),
    [
        (Privacy(patterns=["("]), r"'\(' is no regular expression"),
        (Privacy(patterns=["x*"]), "fits the empty text"),
        (Privacy(patterns=r"\d+"), "not one text"),
        (Privacy(patterns=[re.compile(b"x")]), "is no regular expression for text"),  # pyright: ignore[reportArgumentType]
        (Privacy(names="iban"), "not one text"),
        (Privacy(max_value_bytes=10), "at least 256"),
        (Privacy(redact=_async_hook), "can't be async"),
    ],
)
def test_what_can_t_be_applied_is_refused_with_a_reason(privacy: Privacy, reason: str):
    with pytest.raises(ValueError, match=reason):
        resolve_privacy({}, privacy)


def test_a_pattern_that_is_refused_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    before = _telemetry.current()
    mcp_obs.configure_mcp_telemetry("k", "http://127.0.0.1:9", privacy=Privacy(patterns=["("]))
    assert _telemetry.current() is before
    assert "so nothing is sent" in caplog.text


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
        begun(_call(ARGUMENTS)).answer(RESULT)
        return about_payloads(recording.picture("tools/call forecast"))


def about_payloads(picture: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes about payloads, those that are JSON as what it says."""
    return {
        name: json.loads(value) if isinstance(value, str) else value
        for name, value in picture["attributes"].items()
        if re.search("arguments|result|size|shape|redact|truncated", name)
    }


def _call(arguments: Mapping[str, Any]) -> Message:
    return Message("tools/call", {"name": "forecast", "arguments": arguments}, 1, None, None, None)


def begun(message: Message) -> Operation:
    """The operation of a message."""
    operation = begin(lambda: message)
    assert operation is not None
    return operation


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
        begun(_call(large)).answer(
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
            _call({}),
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


def test_a_shape_is_bounded_and_its_names_have_no_secrets():
    shapes = Shapes(REDACTOR)
    shape = shapes.of_arguments(
        {"ada@example.com": 1, "n" * 200: "x", **{f"a{number}": None for number in range(99)}}
    )
    assert shape.is_cut
    assert len(shape.text) < 1024
    assert "ada" not in shape.text
    assert next(iter(json.loads(shape.text).items())) == ("[redacted email]", "integer")
    assert not shapes.of_arguments({"a0": 1}).is_cut


def test_do_not_track_is_honoured():
    assert not is_enabled({"DO_NOT_TRACK": "1"})
    assert is_enabled({"DO_NOT_TRACK": "0"})


SECRET_NAMES = [
    *(
        "password",
        "DB_PASSWORD",
        "userPassword",
        "authToken",
        "X-Api-Key",
        "apikey",
        "secret",
        "Authorization",
    ),
    *("client_secret", "privateKey", "my iban", "IBAN", "set-cookie", "pin"),
]
OTHER_NAMES = ["max_tokens", "tokenizer", "secretary", "author", "key", "monkey", "pinned", "city"]


def test_names_of_secrets_are_known():
    is_secret = secret_names(["my-iban", "iban"])
    assert [name for name in (*SECRET_NAMES, *OTHER_NAMES) if is_secret(name)] == SECRET_NAMES


# One of every shape, none of them ever valid.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"
A = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5"
SECRETS: dict[str, tuple[str, str]] = {
    "mcp-obs": (f"mcpobs_live_{A}", A),
    "AWS": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "GitHub": (f"ghp_{A}", A),
    "GitHub, fine-grained": (f"github_pat_{A}", A),
    "GitLab": (f"glpat-{A}", A),
    "OpenAI": (f"sk-proj-{A}", A),
    "Anthropic": (f"sk-ant-api03-{A}", A),
    "Stripe": (f"sk_live_{A}", A),
    "Slack": (f"xoxb-{A}", A),
    "Google": (f"AIza{A}", A),
    "SendGrid": (f"SG.{A}.{A}", A),
    "npm": (f"npm_{A}", A),
    "PyPI": (f"pypi-{A}", A),
    "Hugging Face": (f"hf_{A}", A),
    "Twilio": ("SK0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    "Telegram": ("123456789:AAF0123456789abcdefghijklmnopqrstuv", "0123456789abcdef"),
    "JWT": (JWT, "c2lnbmF0dXJlc2lnbmF0dXJl"),
    "bearer": ("Authorization: Bearer opaque0token0value", "opaque0token0value"),
    "basic": ("Basic YWRhOmxvdmVsYWNl", "YWRhOmxvdmVsYWNl"),
    "private key": (PEM, "MIIEowIBAAKCAQEA7"),
    "card": ("4111 1111 1111 1111", "4111 1111 1111 1111"),
    "card without groups": ("378282246310005", "378282246310005"),
    "card with dashes": ("5555-5555-5555-4444", "5555-5555-5555-4444"),
    "e-mail": ("ada.lovelace@example.co.uk", "ada.lovelace"),
    "URL": ("postgres://ada:hunter2secret@db/x", "hunter2secret"),
    "configuration": ("DB_PASSWORD=hunter2secret", "hunter2secret"),
    "broken JSON": ('log: {"password": "hunter2secret", ', "hunter2secret"),
    "broken JSON in JSON": (r"log: {\"password\": \"hunter2secret\", ", "hunter2secret"),
    "query": ("https://x.example/?a=1&access_token=hunter2secret&b=2", "hunter2secret"),
}

WRAPS: list[Callable[[Any], Any]] = [
    lambda value: {"query": value},
    lambda value: [1, value, None],
    lambda value: (value,),
    lambda value: {"a": {"b": value}, "c": 2},
    json.dumps,
    lambda value: json.dumps({"inner": value}),
    lambda value: json.dumps([value], indent=2),
    lambda value: json.dumps({"inner": value}, ensure_ascii=False),
    lambda value: {value: 1} if isinstance(value, str) else [value],
    lambda value: f"see {value} there" if isinstance(value, str) else [value],
    lambda value: f"1 line\n{value}\n2 lines" if isinstance(value, str) else [value],
    lambda value: f"broken: {json.dumps(value)}," if isinstance(value, str) else [value],
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(list(SECRETS.values())), st.lists(st.sampled_from(WRAPS), max_size=6))
def test_no_secret_survives_wherever_it_stands(secret: tuple[str, str], wraps: list[Callable[[Any], Any]]):
    value: Any = secret[0]
    for wrap in wraps:
        value = wrap(value)
    written = write(value, 8192, REDACTOR, None, ())
    assert secret[1] not in written.text
    assert written.redacted
    json.loads(written.text)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([each for each in SECRETS.values() if len(each[0]) < LOOKAHEAD]),
    st.integers(0, 300),
    st.sampled_from(["", "word ", '{"text": "']),
)
def test_no_part_of_a_secret_survives_where_a_text_is_cut(secret: tuple[str, str], before: int, start: str):
    text = start + "." * before + " " + secret[0] + " after" * 3000
    written = write([text], 256, REDACTOR, None, ()).text
    # What identifies it is hidden with its first characters, as far as they are in what is recorded.
    assert not any(secret[1][:length] in written for length in range(8, len(secret[1])))


@pytest.mark.parametrize("name", ["password", "token", "secret", "Authorization", "apiKey"])
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_a_value_with_the_name_of_a_secret_is_redacted_whatever_it_is(name: str, value: Any):
    for outer in ({name: value}, {"in": [{name: value}]}, json.dumps({name: value})):
        written = write(outer, 8192, REDACTOR, None, ())
        assert f'"{name}":"[redacted secret]"'.replace('"', "") in re.sub(r'[\\"]', "", written.text)


class Hostile:
    """Raises whatever is done with it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __hash__ = object.__hash__


class HostileMapping(dict[str, Any]):
    """A mapping that can't be gone through."""

    def items(self) -> Any:
        raise RuntimeError("no")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs"]), max_size=3)
    | st.binary(max_size=20)
    | st.builds(Hostile)
    | st.builds(lambda: 10**5000)
    | st.sampled_from([object(), {1, 2}, HostileMapping(a=1), float("nan"), "[" * 300])
)
KEYS = st.text() | st.integers() | st.floats() | st.none() | st.binary(max_size=3) | st.just("\ud800")
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner)
)


@pytest.mark.parametrize("redactor", [REDACTOR, None], ids=["redacted", "full"])
@settings(max_examples=300, deadline=None)
@given(value=VALUES, most=st.integers(256, 2000))
def test_whatever_a_value_is_it_becomes_json_of_bounded_length(
    redactor: Redactor | None, value: Any, most: int
):
    written = write(value, most, redactor, None, ())
    assert len(written.text.encode()) <= most
    json.loads(written.text)


def test_a_value_that_holds_itself_ends():
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = [cycle, cycle]
    assert write(cycle, 8192, REDACTOR, None, ()).text == snapshot('{"a":1,"self":["[cycle]","[cycle]"]}')


def test_a_value_ends_at_a_depth():
    deep: Any = "ada@example.com"
    for _ in range(5000):
        deep = [deep]
    written = write(deep, 8192, REDACTOR, None, ())
    assert (written.is_cut, written.text.count("[") < 40) == (True, True)


def test_a_result_of_ten_megabytes_is_cut_without_being_read_to_its_end(way: Way):
    large = {"content": [{"type": "text", "text": json.dumps({"rows": ["ada@example.com"] * 600_000})}]}
    with Recording(way, Details(Privacy("redacted"))) as recording:
        begun(_call({})).answer(large)
        attributes = recording.picture("tools/call forecast")["attributes"]
    assert attributes["mcp_obs.truncated"] == ("gen_ai.tool.call.result",)
    assert len(attributes["gen_ai.tool.call.result"].encode()) <= 8192
    assert "ada" not in attributes["gen_ai.tool.call.result"]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 12_000 + "@" + "b" * 12_000,
        "1 " * 6000,
        "4" * 12_000,
        '\\"' * 6000,
        "password=" * 1400,
        "a." * 6000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 450,
        "eyJ" * 4000,
        "a b:" * 3000,
        "://:" * 3000,
        "bearer " * 1700,
    ],
)
@pytest.mark.timeout(20)
def test_no_text_takes_long_to_look_through(text: str):
    for _ in range(5):
        REDACTOR.redact(text, 8192)


def test_what_the_host_adds_is_redacted_too():
    redactor = Redactor([re.compile(r"\d{3}-\d{2}"), re.compile("^77$")], ["iban"])
    value = {"IBAN": "x", "note": "call 123-45 now", "n": 77, "123-45": [7]}
    written = write(value, 8192, redactor, None, ())
    assert json.loads(written.text) == snapshot(
        {
            "IBAN": "[redacted secret]",
            "note": "call [redacted pattern] now",
            "n": "[redacted pattern]",
            "[redacted pattern]": [7],
        }
    )
    assert written.redacted == 4


def test_a_host_s_function_decides_what_is_left_of_a_value():
    seen: list[tuple[Any, tuple[str, ...]]] = []

    def redact(value: Any, path: tuple[str, ...]) -> object:
        seen.append((value, path))
        return {"drop": None, 5: 6}.get(value, value)

    value = {"a": "drop", "b": [5, "ada@example.com"], "json": '{"c": true}'}
    written = write(value, 8192, REDACTOR, redact, ("tool", "arguments"))
    assert written.text == snapshot('{"a":null,"b":[6,"[redacted email]"],"json":"{\\"c\\":true}"}')
    assert seen == snapshot(
        [
            ("drop", ("tool", "arguments", "a")),
            (5, ("tool", "arguments", "b", "0")),
            ("[redacted email]", ("tool", "arguments", "b", "1")),
            (True, ("tool", "arguments", "json", "c")),
        ]
    )


STREET = "Rosenweg 7"
FAILED = "[redaction failed]"


class Text(str):
    """A text that may say something else than it is."""

    __slots__ = ()


def _raises(value: object, path: object) -> object:
    raise RuntimeError(f"no {value}")


def _ends_its_thread(value: object, path: object) -> object:
    sys.exit(str(value))


def _never_returns(value: object, path: object) -> object:
    return [_never_returns(value, path)]


def _gives_a_list(value: object, path: object) -> object:
    return [value]


def _gives_a_text_of_its_own(value: object, path: object) -> object:
    return Text(value)


def _yields(value: object, path: object) -> object:
    yield value


FAILING = [
    _raises,
    _ends_its_thread,
    _never_returns,
    _gives_a_list,
    _gives_a_text_of_its_own,
    _yields,
    _async_hook,
]


@pytest.mark.behaviour("privacy.fails-closed")
@pytest.mark.parametrize("hook", FAILING)
def test_nothing_of_a_value_leaves_when_a_host_s_function_fails(
    hook: Any,
    way: Way,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    # In production, where a failure of our own would be logged.
    monkeypatch.delenv("MCP_OBS_STRICT")
    arguments = {"street": STREET, "floor": 7, "is_home": True, "json": json.dumps([STREET])}
    with caplog.at_level(logging.DEBUG), Recording(way, Details(Privacy("redacted", redact=hook))) as it:
        begun(_call(arguments)).answer(
            {"content": [{"type": "text", "text": STREET}], "structuredContent": {"at": STREET}}
        )
        picture = it.picture("tools/call forecast")
        said = [picture, it.points(), caplog.text, *capfd.readouterr()]
        assert len(it.durations()) == 1
    assert about_payloads(picture) == IsPartialDict(
        {
            "gen_ai.tool.call.arguments": {
                "street": FAILED,
                "floor": FAILED,
                "is_home": FAILED,
                "json": f'["{FAILED}"]',
            },
            "gen_ai.tool.call.result": {
                "content": [{"type": FAILED, "text": FAILED}],
                "structuredContent": {"at": FAILED},
            },
            "mcp_obs.redaction.failed": 7,
        }
    )
    assert STREET not in str(said)


@pytest.mark.behaviour("privacy.fails-closed")
def test_a_host_s_function_that_ends_its_thread_ends_no_export():
    with collecting() as collector:
        privacy = Privacy("redacted", redact=_ends_its_thread)
        mcp_obs.configure_mcp_telemetry(endpoint=collector.url, privacy=privacy)
        try:
            begun(_call({"street": STREET})).answer({})
            collector.wait_for("tools/call forecast")
            begun(Message("ping", None, 2, None, None, None)).answer({})
            collector.wait_for("ping")
        finally:
            at_exit.flush()
            _telemetry.use(None)
    said = collector.attributes["tools/call forecast"]["gen_ai.tool.call.arguments"]
    assert json.loads(said) == {"street": FAILED}


def test_a_number_of_any_length_that_a_host_s_function_gives_is_written_or_described():
    def lengthens(value: object, path: object) -> object:
        return 10**5000

    written = write({"floor": 1}, 8192, REDACTOR, lengthens, ())
    assert (written.text, written.failed) == ('{"floor":"[integer of 16610 bits]"}', 0)


def test_what_is_no_secret_stays_as_it_is():
    value = {
        "text": "The price is 1234567890123 for order 42, see https://example.com/a?b=c: all is well.",
        "max_tokens": 4096,
        "time": 1767225600000000000,
        "words": ["basic understanding", "task-management-of-many-things", "key: C major"],
        "uuid": "123e4567-e89b-12d3-a456-426614174000",
    }
    written = write(value, 8192, REDACTOR, None, ())
    assert (json.loads(written.text), written.redacted) == (value, 0)


def test_levels_are_those_of_the_guide():
    assert LEVELS == ("none", "shape", "redacted", "full")
