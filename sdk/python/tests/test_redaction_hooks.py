"""A host's function that redacts: what it decides, and what it can't do wrong."""

import json
import logging
import sys
from typing import Any

import pytest
from dirty_equals import IsPartialDict
from inline_snapshot import snapshot
from sdk_kit.collector import collecting
from sdk_kit.payloads import REDACTOR, about_payloads, async_hook, begun, call
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._details import Details
from mcp_obs._exit import at_exit
from mcp_obs._message import Message
from mcp_obs._privacy.settings import Privacy
from mcp_obs._privacy.writer import write


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
    async_hook,
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
        begun(call(arguments)).answer(
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
            begun(call({"street": STREET})).answer({})
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
