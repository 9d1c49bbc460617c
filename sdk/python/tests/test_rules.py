"""The rules that need no server: endings, failures, messages, and what becomes of our own errors."""

import asyncio
import errno
import logging
from functools import partial
from typing import Any

import pytest
from dirty_equals import IsStr
from inline_snapshot import snapshot
from opentelemetry import trace
from pydantic import BaseModel, ValidationError
from sdk_kit.recording import Recording

import mcp_obs
from mcp_obs import _ending, _telemetry
from mcp_obs._details import Details
from mcp_obs._ending import Ending
from mcp_obs._failure import Failure, failure_of
from mcp_obs._guard import Guard
from mcp_obs._message import Client, Message, span_name
from mcp_obs._operation import begin
from mcp_obs._parent import parent_of
from mcp_obs._text import LONGEST_TEXT


@pytest.mark.parametrize("code", [-32700, -32600, -32601, -32602, -32002])
def test_what_the_client_got_wrong_is_no_error_of_the_server(code: int):
    assert _ending.of_code(code, "no") == Ending("ok", status_code=str(code))


@pytest.mark.parametrize("code", [-32603, -32050, 0, 42])
def test_any_other_code_is_an_error_of_that_type(code: int):
    assert _ending.of_code(code, "no") == Ending("error", str(code), str(code), "no")


@pytest.mark.parametrize(
    ("method", "result", "ending"),
    [
        ("tools/call", {"isError": True}, Ending("error", "tool_error")),
        ("tools/call", {"isError": False}, Ending("ok")),
        ("prompts/get", {"isError": True}, Ending("ok")),
        ("tools/call", {"resultType": "input_required"}, Ending("input_required")),
        ("tools/call", {"resultType": "complete"}, Ending("ok")),
        ("ping", {}, Ending("ok")),
    ],
)
def test_a_result_says_how_it_ended(method: str, result: dict[str, Any], ending: Ending):
    assert _ending.of_result(method, result) == ending


def test_an_exception_without_an_answer_is_named_and_a_cancellation_is_none():
    assert _ending.of_exception(OSError("full")) == Ending("error", "OSError", description="full")
    assert _ending.of_exception(asyncio.CancelledError()) == Ending("cancelled")


class Arguments(BaseModel):
    """Arguments that can be refused."""

    token: int


def test_a_refused_value_stays_out_of_the_message():
    with pytest.raises(ValidationError) as caught:
        Arguments.model_validate({"token": "a secret"})
    assert failure_of(caught.value).message == "token: int_parsing"


@pytest.mark.behaviour("error.below-the-wrapper")
def test_the_exception_below_a_library_s_wrapper_is_the_one_that_counts():
    wrapper = type("ToolError", (Exception,), {"__module__": "mcp.server.exceptions"})
    outer = wrapper("Error executing tool")
    outer.__cause__ = KeyError("city")
    assert failure_of(outer) == Failure("KeyError", "'city'")


@pytest.mark.behaviour("error.without-words")
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_an_exception_that_can_not_say_what_it_is_is_known_by_its_type(error: type[BaseException]):
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise error

    assert failure_of(SpeechlessError()) == Failure(f"{__name__}.{SpeechlessError.__qualname__}", "")
    assert _ending.of_exception(SpeechlessError()).description == ""


NUMBERED = Details(new_session_id=lambda: "s1")
META = {"traceparent": "00-0000000000000000000000000000abcd-00000000000000ef-01", "progressToken": 7}


@pytest.mark.behaviour("trace.ambient-linked")
def test_meta_names_the_parent_and_the_ambient_span_is_linked(recording: Recording):
    with recording.traces.get_tracer("http").start_as_current_span("POST /mcp") as ambient:
        parent = parent_of(META)
    above = trace.get_current_span(parent.context).get_span_context()
    assert (above.trace_id, above.span_id) == (0xABCD, 0xEF)
    assert [link.context for link in parent.links] == [ambient.get_span_context()]


@pytest.mark.behaviour("trace.ambient-parent")
def test_without_a_parent_in_meta_the_ambient_span_is_the_parent(recording: Recording):
    with recording.traces.get_tracer("http").start_as_current_span("POST /mcp") as ambient:
        for meta in ({}, {"progressToken": 7}, {"traceparent": "garbage"}, {"traceparent": 5}):
            parent = parent_of(meta)
            assert trace.get_current_span(parent.context) is ambient
            assert parent.links == ()


def test_a_message_s_attributes_are_these():
    params = {
        "name": "forecast",
        "arguments": {"city": "Lisboa é"},
        "_meta": {"io.modelcontextprotocol/clientInfo": {"name": "ide", "version": "7"}},
    }
    message = Message("tools/call", params, 12, "2026-07-28", Client("before", None), None, NUMBERED)
    assert message.attributes() == snapshot(
        {
            "mcp.method.name": "tools/call",
            "jsonrpc.request.id": "12",
            "mcp.protocol.version": "2026-07-28",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "forecast",
            "mcp.client.name": "ide",
            "mcp.client.version": "7",
            "network.transport": "pipe",
            "mcp_obs.session.id": "s1",
            "mcp_obs.session.source": "inferred",
            "mcp_obs.request.size": 128,
            "mcp_obs.request.shape": '{"city":"string"}',
        }
    )
    assert span_name(message.attributes()) == "tools/call forecast"


@pytest.mark.behaviour("operation.malformed-message")
def test_malformed_messages_are_described_as_far_as_they_go():
    params = {"name": 5, "uri": ["x"], "_meta": "none"}
    assert Message("tools/call", params, "a", None, None, None, NUMBERED).attributes() == snapshot(
        {
            "mcp.method.name": "tools/call",
            "jsonrpc.request.id": "a",
            "gen_ai.operation.name": "execute_tool",
            "network.transport": "pipe",
            "mcp_obs.session.id": "s1",
            "mcp_obs.session.source": "inferred",
            "mcp_obs.request.size": 37,
        }
    )


@pytest.mark.behaviour("operation.bounded")
def test_names_of_any_length_are_cut_and_the_cut_is_told():
    attributes = Message("x" * 9999, {"uri": "u" * 9999}, None, None, None, None).attributes()
    assert {len(attributes["mcp.method.name"]), len(attributes["mcp.resource.uri"])} == {LONGEST_TEXT}
    assert attributes["mcp_obs.truncated"] == ["mcp.method.name", "mcp.resource.uri"]


@pytest.mark.behaviour("host.undescribable-message")
def test_a_message_that_is_no_json_loses_its_size_and_not_its_operation(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    for number, value in enumerate(("a\ud800", object())):
        operation = begin(
            partial(Message, "tools/call", {"name": f"t{number}", "x": value}, 1, None, None, None)
        )
        assert operation is not None
        operation.answer({"text": value})
    assert recording.names == ["tools/call t0", "tools/call t1"]
    assert recording.picture("tools/call t0")["attributes"] == snapshot(
        {
            "mcp.method.name": "tools/call",
            "jsonrpc.request.id": "1",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "t0",
            "network.transport": "pipe",
            "mcp_obs.session.id": IsStr(),
            "mcp_obs.session.source": "inferred",
            "mcp_obs.operation.outcome": "ok",
        }
    )
    assert sum(count for count, _ in recording.durations()) == 2


@pytest.mark.behaviour("operation.bounded")
def test_the_description_of_a_refusal_is_cut(recording: Recording):
    operation = begin(partial(Message, "ping", None, 1, None, None, None))
    assert operation is not None
    operation.refuse(-32603, "x" * 9999)
    assert recording.picture("ping")["status"] == ("ERROR", "x" * LONGEST_TEXT)


@pytest.mark.behaviour("host.own-failure-swallowed")
def test_our_own_failure_is_swallowed_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    guard = Guard("counting sheep")
    with caplog.at_level(logging.WARNING, "mcp_obs"):
        for _ in range(3):
            with guard:
                raise RuntimeError("ours")
    assert [record.getMessage() for record in caplog.records] == [
        "mcp-obs failed counting sheep; the server is not affected. Reported once."
    ]


@pytest.mark.behaviour("host.own-failure-swallowed")
def test_a_log_that_can_not_be_written_costs_its_line_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    class FullDisk(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.delenv("MCP_OBS_STRICT")
    full, log = FullDisk(), logging.getLogger("mcp_obs")
    log.addHandler(full)
    try:
        with Guard("counting sheep"):
            raise RuntimeError("ours")
        assert mcp_obs.instrument("no server") == "no server"
        mcp_obs.configure_mcp_telemetry(endpoint="nowhere")
    finally:
        log.removeHandler(full)
        _telemetry.use(None)
    mcp_obs.instrument("no server")
    (record,) = [one for one in caplog.records if one.name == "mcp_obs"]
    assert record.pathname.endswith("_instrument.py")


@pytest.mark.behaviour("host.own-failure-raised-in-tests")
def test_our_own_failure_is_raised_under_test():
    with pytest.raises(RuntimeError, match="ours"), Guard("counting sheep"):
        raise RuntimeError("ours")


@pytest.mark.behaviour("host.undescribable-message")
def test_an_operation_that_cannot_be_described_is_not_recorded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")

    def describe() -> Message:
        raise RuntimeError("ours")

    assert begin(describe) is None


@pytest.mark.behaviour("configuration.switched-off")
def test_nothing_is_begun_when_telemetry_is_off():
    _telemetry.use(None, enabled=False)
    try:
        assert begin(lambda: Message("ping", None, 1, None, None, None)) is None
    finally:
        _telemetry.use(None)


@pytest.mark.behaviour("outcome.stream")
def test_a_listening_stream_is_not_timed(recording: Recording):
    for method in ("subscriptions/listen", "ping"):
        operation = begin(partial(Message, method, None, 1, None, None, None))
        assert operation is not None
        operation.answer({})
    assert [attributes["mcp.method.name"] for _, attributes in recording.durations()] == ["ping"]


def test_a_method_that_nobody_knows_has_its_name_on_the_span_only(recording: Recording):
    operation = begin(partial(Message, "made/up", None, 1, None, None, None))
    assert operation is not None
    operation.refuse(-32601, "Method not found")
    assert recording.names == ["made/up"]
    assert [attributes["mcp.method.name"] for _, attributes in recording.durations()] == ["_OTHER"]
