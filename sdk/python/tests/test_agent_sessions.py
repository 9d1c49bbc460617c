"""Sessions of a command-line agent: every step is a span, on every way of recording."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sdk_kit.recording import Recording, picture

from mcp_obs import _telemetry
from mcp_obs._metrics import sessions
from mcp_obs.agent_sessions import TracedSessionManager
from mcp_obs.testing import Distribution, Point

pytestmark = pytest.mark.anyio
OF_THE_SESSION = {
    "mcp.model": "opus",
    "gen_ai.request.model": "opus",
    "mcp.session.id": "s-1",
    "mcp_obs.session.id": "s-1",
    "mcp_obs.session.source": "handle",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_agents_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whether agents are run is the process's for ever, and this process has other tests."""
    monkeypatch.setattr(sessions.Agents, "are_run", False)
    yield


@dataclass
class Program:
    """The Python that runs the test, as the agent."""

    path: str = sys.executable
    version: str = "2.1.0"


class Programs:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def discover(self) -> Program:
        if self._error is not None:
            raise self._error
        return Program()


async def start(
    program: Program, session_id: str, prompt: str, model: str, checkpoint_id: str | None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(program.path, "-c", "input()", stdin=asyncio.subprocess.PIPE)


async def fail_to_start(
    program: Program, session_id: str, prompt: str, model: str, checkpoint_id: str | None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec("/no/such/agent")


def manager(error: Exception | None = None, starting: Any = start) -> TracedSessionManager[Program, Any]:
    return TracedSessionManager(Programs(error), starting, lambda: "s-1")


def values(recording: Recording, *metrics: str) -> list[tuple[str, Any, dict[str, Any]]]:
    def value(point: Point) -> float:
        return point.value.count if isinstance(point.value, Distribution) else point.value

    return [(one, value(point), point.attributes) for one in metrics for point in recording.points(one)]


@pytest.mark.behaviour("agent-session.lifecycle")
async def test_a_session_is_created_with_the_spans_of_its_steps_and_ended(recording: Recording):
    session = await manager().create_session("Fix the tests", "opus")
    with session.end():
        await session.process.communicate(b"\n")
    with session.end("failed"):
        pass
    discovery, starting, creation, end = recording.log.spans
    assert [span.name for span in (discovery, starting)] == ["binary.discover", "process.start"]
    above = creation.get_span_context()
    assert above is not None
    assert {one.parent.span_id for one in (discovery, starting) if one.parent} == {above.span_id}
    assert picture(creation) == {
        "name": "session.create",
        "kind": "SERVER",
        "status": ("UNSET", None),
        "attributes": OF_THE_SESSION
        | {"mcp.prompt.length": 13, "mcp.session.type": "new", "mcp.binary.version": "2.1.0"},
        "events": [("session.created", {"mcp.session.id": "s-1", "mcp.process.pid": session.process.pid})],
        "links": 0,
    }
    assert picture(end)["attributes"] == OF_THE_SESSION | {"mcp.session.status": "completed"}
    names = "mcp.sessions.total", "mcp.sessions.active", "mcp.session.duration"
    assert values(recording, *names) == [
        ("mcp.sessions.total", 1, {"model": "opus", "restored": "False"}),
        ("mcp.sessions.active", 0, {}),
        ("mcp.session.duration", 1, {"model": "opus", "status": "completed"}),
    ]


@pytest.mark.behaviour("agent-session.lifecycle")
async def test_a_restored_session_says_what_it_goes_on_from(recording: Recording):
    session = await manager().restore_session("c-9", "Go on", "opus")
    with session.end():
        await session.process.communicate(b"\n")
    attributes = recording.picture("session.create")["attributes"]
    assert (attributes["mcp.session.type"], attributes["mcp.checkpoint.id"]) == ("restored", "c-9")
    assert values(recording, "mcp.sessions.total") == [
        ("mcp.sessions.total", 1, {"model": "opus", "restored": "True"})
    ]


@pytest.mark.behaviour("agent-session.messages-and-checkpoints")
async def test_messages_and_checkpoints_are_spans_and_are_counted(recording: Recording):
    session = await manager().create_session("Hi", "opus")
    with session.message("And now?") as answer:
        for _ in range(3):
            answer.received()
    with session.checkpoint("c-1") as checkpoint:
        checkpoint.saved(2048)
    with session.end():
        await session.process.communicate(b"\n")
    assert recording.picture("session.message")["attributes"] == OF_THE_SESSION | {
        "mcp.prompt.length": 8,
        "mcp.message.count": 3,
    }
    assert recording.picture("session.checkpoint")["attributes"] == OF_THE_SESSION | {
        "mcp.checkpoint.id": "c-1",
        "mcp.checkpoint.length": 2048,
    }
    names = "mcp.message.latency", "mcp.streaming.throughput", "mcp.checkpoint.size"
    assert values(recording, *names) == [(name, 1, {}) for name in names]


@pytest.mark.behaviour("agent-session.messages-and-checkpoints")
@pytest.mark.parametrize(
    ("error", "starting", "failed", "kind"),
    [
        (LookupError("no agent on the PATH"), start, "binary.discover", "LookupError"),
        (None, fail_to_start, "process.start", "FileNotFoundError"),
    ],
)
async def test_a_session_that_does_not_begin_is_an_error_where_it_failed(
    recording: Recording, error: Exception | None, starting: Any, failed: str, kind: str
):
    with pytest.raises((LookupError, FileNotFoundError)) as raised:
        await manager(error, starting).create_session("Hi", "opus")
    assert error is None or raised.value is error
    for name in (failed, "session.create"):
        span = recording.picture(name)
        assert (span["status"][0], span["attributes"]["error.type"]) == ("ERROR", kind)
    assert values(recording, "mcp.errors") == [("mcp.errors", 1, {"error.type": kind})]
    assert values(recording, "mcp.sessions.total") == []


@pytest.mark.behaviour("agent-session.messages-and-checkpoints", "privacy.messages-without-secrets")
async def test_what_fails_in_a_session_is_an_error_of_its_span_and_counted(recording: Recording):
    session = await manager().create_session("Hi", "opus")
    with pytest.raises(TimeoutError), session.message("Slow?") as answer:
        answer.received()
        raise TimeoutError("no answer in 5 s")
    with pytest.raises(OSError, match="full"), session.checkpoint("c-1"):
        raise OSError("full of ada@example.com")
    with pytest.raises(ProcessLookupError), session.end("failed"):
        await session.process.communicate(b"\n")
        raise ProcessLookupError
    message = recording.picture("session.message")
    assert message["attributes"]["mcp.message.count"] == 1
    assert message["status"] == ("ERROR", "no answer in 5 s")
    checkpoint = recording.picture("session.checkpoint")
    assert checkpoint["status"] == ("ERROR", "full of [redacted email]")
    assert checkpoint["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "full of [redacted email]"})
    ]
    assert [attributes["error.type"] for _, _, attributes in values(recording, "mcp.errors")] == [
        "TimeoutError",
        "OSError",
        "ProcessLookupError",
    ]
    assert values(recording, "mcp.message.latency", "mcp.checkpoint.size") == []
    assert values(recording, "mcp.sessions.active") == [("mcp.sessions.active", 0, {})]


@pytest.mark.behaviour("agent-session.cancel")
async def test_an_answer_that_is_stopped_is_no_error_and_counts_in_no_latency(recording: Recording):
    session = await manager().create_session("Hi", "opus")
    with session.message("Slow?") as answer, session.cancel():
        answer.cancelled()
    with pytest.raises(asyncio.CancelledError), session.message("And this?"):
        raise asyncio.CancelledError
    with session.end():
        await session.process.communicate(b"\n")
    assert recording.picture("session.cancel")["attributes"] == OF_THE_SESSION
    messages = [picture(span) for span in recording.log.spans if span.name == "session.message"]
    assert [message["status"][0] for message in messages] == ["UNSET", "UNSET"]
    assert not [message for message in messages if "error.type" in message["attributes"]]
    assert values(recording, "mcp.message.latency", "mcp.errors") == []


async def test_a_session_runs_all_the_same_where_telemetry_is_off():
    _telemetry.use(None, enabled=False)
    session = await manager().create_session("Hi", "opus")
    with session.message("Hi"), session.checkpoint("c"):
        pass
    with session.end():
        await session.process.communicate(b"\n")
    _telemetry.use(None)
    assert session.process.returncode == 0
