"""Which session an operation is counted into, and how sure that is."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.propagators.composite import CompositePropagator
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording, Way, picture
from sdk_kit.serving import serving
from starlette.requests import Request

import mcp_obs
from mcp_obs import _clock, semconv
from mcp_obs._details import Details
from mcp_obs._message import Client, Message
from mcp_obs._operation import begin
from mcp_obs._sessions import IDLE_NANOSECONDS, MOST_GUESSES, IdleGapSessions
from mcp_obs._users import UserSettings
from mcp_obs.testing import HeldClock

REMOTE = "00-0000000000000000000000000000abcd-00000000000000ef-01"


def http_request(**headers: str) -> Any:
    """A Starlette request with these headers."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": named, "client": ("10.0.0.1", 5), "http_version": "1.1"})


def session_of(
    recording: Recording,
    meta: dict[str, str] | None = None,
    request: Any = None,
    protocol: str = "2025-11-25",
    named: str | None = None,
    method: str = "ping",
) -> tuple[str | None, str | None]:
    """The session of one operation, and its source."""
    client = Client("ide", "1")
    operation = begin(partial(Message, method, {"_meta": meta or {}}, 1, protocol, client, request))
    assert operation is not None
    with operation.current():
        if named is not None:
            mcp_obs.set_session(named)
    operation.answer({})
    attributes = recording.log.spans.pop().attributes or {}
    found: Any = [
        attributes.get(name) for name in (semconv.MCP_OBS_SESSION_ID, semconv.MCP_OBS_SESSION_SOURCE)
    ]
    return found[0], found[1]


def test_the_surest_source_of_a_session_comes_first(recording: Recording):
    meta = {"traceparent": REMOTE, "baggage": "gen_ai.conversation.id=talk-1,other=2"}
    request = http_request(mcp_session_id="legacy")
    assert session_of(recording, meta, request, named="basket-7") == ("basket-7", "handle")
    assert session_of(recording, meta, request) == ("talk-1", "baggage")
    del meta["baggage"]
    assert session_of(recording, meta, request) == ("legacy", "protocol")
    assert session_of(recording, meta, http_request()) == (f"{0xABCD:032x}", "trace")
    assert session_of(recording, {}, http_request())[1] == "inferred"


def test_baggage_in_a_header_counts_and_broken_baggage_does_not(recording: Recording):
    request = http_request(baggage="gen_ai.conversation.id=talk%202;secure=1")
    assert session_of(recording, {}, request)[0] == "talk 2"
    for broken in ("gen_ai.conversation.id", "gen_ai.conversation.id=", ";;;=,gen_ai.conversation.id"):
        assert session_of(recording, {}, http_request(baggage=broken))[1] == "inferred"


def test_baggage_around_an_operation_counts(recording: Recording):
    context = baggage.set_baggage("gen_ai.conversation.id", "talk-3")
    operation = begin(partial(Message, "ping", None, 1, None, None, None), context)
    assert operation is not None
    operation.answer({})
    assert recording.picture("ping")["attributes"]["mcp_obs.session.id"] == "talk-3"


def test_a_trace_that_begins_in_this_process_is_no_session(recording: Recording):
    with recording.traces.get_tracer("http").start_as_current_span("POST /mcp"):
        assert session_of(recording)[1] == "inferred"


def test_a_session_without_sessions_in_its_protocol_is_not_that_of_its_header(recording: Recording):
    request = http_request(mcp_session_id="made up")
    assert session_of(recording, {}, request, "2026-07-28")[1] == "inferred"


def test_initialize_over_http_belongs_to_no_session_yet(recording: Recording):
    assert session_of(recording, {}, http_request(), method="initialize") == (None, None)
    assert session_of(recording, method="initialize")[1] == "inferred"


def test_a_handler_s_session_is_a_text_of_a_span_s_length(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    assert len(session_of(recording, named="x" * 9999)[0] or "") == 1024
    wrong: Any = 5
    assert session_of(recording, named=wrong)[1] == "inferred"
    assert session_of(recording, named="")[1] == "inferred"
    mcp_obs.set_session("nowhere")


def test_a_request_of_a_handler_s_own_is_in_the_session_of_its_call(recording: Recording):
    outer = begin(partial(Message, "tools/call", {"name": "ask"}, 1, None, None, None))
    assert outer is not None
    with outer.current():
        mcp_obs.set_session("basket-7")
        inner = begin(partial(Message, "elicitation/create", {}, 2, None, None, None))
        assert inner is not None
        inner.answer({})
    outer.answer({})
    sessions = {str(recording.picture(name)["attributes"]["mcp_obs.session.id"]) for name in recording.names}
    assert sessions == {"basket-7"}


def guesses() -> IdleGapSessions:
    numbers = iter(range(10**6))
    return IdleGapSessions(lambda: str(next(numbers)))


def test_a_pause_of_half_an_hour_ends_a_guessed_session():
    sessions, second = guesses(), 10**9
    times = [0, second, IDLE_NANOSECONDS + second, 2 * IDLE_NANOSECONDS + 2 * second, IDLE_NANOSECONDS]
    assert [sessions.session(("ada",), time).id for time in times] == ["0", "0", "0", "1", "1"]


def test_users_and_clients_have_guessed_sessions_of_their_own(recording: Recording):
    first = session_of(recording, {}, http_request())
    assert session_of(recording, {}, http_request()) == first
    assert session_of(recording) != first


def test_guesses_take_bounded_memory():
    sessions = guesses()
    for number in range(3 * MOST_GUESSES):
        sessions.session((number,), 0)
        sessions.session(("busy",), 0)
    assert len(sessions) == MOST_GUESSES
    assert sessions.session(("busy",), 1).id == "1"


lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)


def session_in(picture: Mapping[str, Any]) -> tuple[Any, Any]:
    """The session of an operation, and its source."""
    attributes = picture["attributes"]
    return attributes["mcp_obs.session.id"], attributes["mcp_obs.session.source"]


def of_conversation(name: str) -> dict[str, str]:
    """The `_meta` of a client that says which conversation it is in."""
    meta: dict[str, str] = {}
    propagate.inject(meta, baggage.set_baggage("gen_ai.conversation.id", name))
    return meta


@pytest.mark.behaviour("session.handle")
@pytest.mark.anyio
@lines
async def test_the_session_that_a_tool_names_wins_over_what_its_client_says(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("resume", meta=of_conversation("talk-1"), session="basket-7")
    assert session_in(recording.picture("tools/call resume")) == ("basket-7", "handle")


@pytest.mark.behaviour("session.baggage")
@pytest.mark.anyio
@lines
async def test_a_client_s_conversation_is_the_session_of_its_calls(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("greet", meta=of_conversation("talk-1"), name="Ada")
    assert session_in(recording.picture("tools/call greet")) == ("talk-1", "baggage")
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.behaviour("session.trace")
@pytest.mark.anyio
@lines
async def test_the_trace_of_a_client_stands_in_for_the_session_of_its_calls(line: Line, recording: Recording):
    meta: dict[str, str] = {}
    async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
        with trace.get_tracer("agent").start_as_current_span("answer a question") as question:
            propagate.inject(meta)
            await peer.call("greet", meta=meta, name="Ada")
            await peer.call("add", meta=meta, a=1, b=2)
    its_trace = trace.format_trace_id(question.get_span_context().trace_id)
    for name in ("tools/call greet", "tools/call add"):
        assert session_in(recording.picture(name)) == (its_trace, "trace")


@pytest.fixture
def untraced_clients() -> Iterator[None]:
    """Clients that pass on no trace."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator([]))
    yield
    propagate.set_global_textmap(before)


@pytest.fixture
def clock() -> Iterator[HeldClock]:
    """The time that operations are recorded at."""
    held = HeldClock()
    _clock.read(held.time_ns, held.perf_counter)
    yield held
    _clock.read_the_system()


@pytest.mark.behaviour("session.inferred")
@pytest.mark.anyio
@pytest.mark.usefixtures("untraced_clients")
@lines
async def test_what_a_user_calls_without_a_long_pause_is_a_session_by_guess(
    line: Line, way: Way, clock: HeldClock
):
    users = UserSettings(identify=lambda caller: caller.meta.get("user"))
    idle = IDLE_NANOSECONDS / 10**9
    with Recording(way, Details(users=users)) as recording:
        async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
            for user, pause in (("ada", 0), ("ada", idle), ("grace", 0), ("ada", idle + 1)):
                clock.advance(pause)
                await peer.call("add", meta={"user": user}, a=1, b=2)
        calls = [picture(span) for span in recording.log.spans if span.name == "tools/call add"]
    first, second, of_grace, later = map(session_in, calls)
    assert {source for _, source in (first, second, of_grace, later)} == {"inferred"}
    assert first == second
    assert len({first, of_grace, later}) == 3
