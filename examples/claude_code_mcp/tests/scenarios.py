"""Every tool with every way in which its calls end, and the spans that there must be."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
from mcp_types import CallToolResult

from claude_code_mcp.settings import Settings
from claude_code_mcp.tests.stage import STAND_IN, Play, Scenario, Setting, Stage, agent, said, with_agent

SCENARIOS: list[Scenario] = []
STARTED = ["  session.create", "    binary.discover", "    process.start"]
ANSWERED = "  session.message"


def the_stand_in(settings: Settings) -> Settings:
    """The settings as they are."""
    return settings


def scenario(
    tool: str, outcome: str, says: str, below: list[str], setting: Setting = the_stand_in, error: str = ""
) -> Callable[[Play], Play]:
    """The decorated function plays this; `below` are the spans under the call's own."""
    root = f"tools/call {tool}{error}"

    def add(play: Play) -> Play:
        SCENARIOS.append(Scenario(tool, outcome, says, [root, *below], play, setting))
        return play

    return add


def failure(
    tool: str, outcome: str, says: str, below: list[str], setting: Setting = the_stand_in
) -> Callable[[Play], Play]:
    """The same for a call whose result is an error."""
    return scenario(tool, outcome, says, below, setting, error=": tool_error")


def not_found(error: str) -> list[str]:
    """The spans of a session for which there is no program."""
    return [f"  session.create: {error}", f"    binary.discover: {error}"]


def not_started(error: str) -> list[str]:
    """The spans of a session whose process does not start."""
    return [f"  session.create: {error}", "    binary.discover", f"    process.start: {error}"]


def lost(error: str) -> list[str]:
    """The spans of a message at which a session ends."""
    return [f"  session.message: {error}", "  session.end"]


def patient_for(seconds: float) -> Setting:
    """The stand-in may be silent so long."""
    return lambda settings: replace(settings, silence_seconds=seconds)


def of_parent(settings: Settings) -> Path:
    """The folder of everything."""
    return settings.data.parent


def on_the_path(settings: Settings) -> Settings:
    """The stand-in is found as any program is."""
    (of_parent(settings) / "claude").symlink_to(STAND_IN)
    return replace(settings, binary=None, search_path=str(of_parent(settings)))


def in_a_usual_place(settings: Settings) -> Settings:
    """The stand-in is where installers put it."""
    places = (of_parent(settings) / "not-here", STAND_IN)
    return replace(settings, binary=None, places=places)


def nowhere(settings: Settings) -> Settings:
    """There is no agent."""
    return replace(settings, binary=None, places=(of_parent(settings) / "not-here",))


def set_to_a_folder(settings: Settings) -> Settings:
    """What is set is no program."""
    return replace(settings, binary=of_parent(settings))


def no_program(settings: Settings) -> Settings:
    """What is set may be run and is none."""
    program = agent(of_parent(settings), "hangs")
    program.write_bytes(b"\x00no program")
    return replace(settings, binary=program)


def without_a_folder(settings: Settings) -> Settings:
    """Where the data's folder belongs there is a file."""
    settings.data.write_text("")
    return settings


# ── start_session ────────────────────────────────────────────────────────────
async def start(stage: Stage) -> CallToolResult:
    """Start a session."""
    return await stage.call("start_session", prompt="Hi")


async def start_with(stage: Stage, word: str) -> CallToolResult:
    """Start a session with a prompt that goes wrong."""
    return await stage.call("start_session", prompt=word)


scenario("start_session", "answered", '"text": "That is prompt 1: Hi"', [*STARTED, ANSWERED])(start)
scenario("start_session", "found on the PATH", "prompt 1", [*STARTED, ANSWERED], on_the_path)(start)
scenario("start_session", "found where it is installed", "prompt 1", [*STARTED, ANSWERED], in_a_usual_place)(
    start
)
failure("start_session", "no agent", "Install Claude Code (npm", not_found("BinaryNotFoundError"), nowhere)(
    start
)
failure(
    "start_session",
    "set to what is no program",
    "where no program is",
    not_found("BinaryNotFoundError"),
    set_to_a_folder,
)(start)
failure("start_session", "no program", "does not run", not_found("BinaryBrokenError"), no_program)(start)
failure(
    "start_session",
    "no version in time",
    "did not say its version within 0.2 s",
    not_found("BinaryBrokenError"),
    with_agent("hangs", start_seconds=0.2),
)(start)
failure(
    "start_session",
    "ends without a version",
    "does not run",
    not_found("BinaryBrokenError"),
    with_agent("says nothing"),
)(start)
failure(
    "start_session",
    "a line without a version",
    "says 'Hello' where its version is asked for",
    not_found("BinaryBrokenError"),
    with_agent("says no version"),
)(start)
failure(
    "start_session",
    "exits at once",
    "The agent ended with 3. Invalid API key",
    not_started("AgentCrashedError"),
    with_agent("leaves at once"),
)(start)
failure(
    "start_session",
    "never gets ready",
    "The agent said nothing for 2 s",
    not_started("AgentSilentError"),
    with_agent("never gets ready", start_seconds=2),
)(start)
failure(
    "start_session",
    "refuses to begin",
    "The agent did not begin: Please run /login",
    not_started("AnswerFailedError"),
    with_agent("is not signed in"),
)(start)
failure("start_session", "no folder", "can't be made", not_started("StoreError"), without_a_folder)(start)


@failure(
    "start_session",
    "crash in the first answer",
    "The agent ended with 1. Killed: out of memory",
    [*STARTED, *lost("AgentCrashedError")],
)
async def _(stage: Stage) -> CallToolResult:
    return await start_with(stage, "crash")


# ── send_message ─────────────────────────────────────────────────────────────
@scenario("send_message", "answered", '"text": "That is prompt 2: And now?"', [ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("send_message", prompt="And now?")


@scenario("send_message", "answered in the session that is named", "That is prompt 2", [ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    first = json.loads(said(await start(stage)))
    await start(stage)
    return await stage.call("send_message", prompt="And now?", session_id=first["session_id"])


@scenario("send_message", "answered among what is no message", "That is prompt 2: mumble", [ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("send_message", prompt="mumble")


@scenario("send_message", "cancelled by a tool", '"outcome": "cancelled"', [ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    async with stage.thinking() as thinking:
        await stage.call("cancel")
    assert thinking.result is not None
    return thinking.result


@scenario("send_message", "answered after one that the client gave up", "That is prompt 2: Again", [ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    async with stage.thinking(is_abandoned=True):
        pass
    with anyio.fail_after(30):
        # The server hears of it in its own time, and is busy until then.
        while "is answering" in said(again := await stage.call("send_message", prompt="Again")):
            pass
    return again


@failure("send_message", "no session", "start_session begins one", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("send_message", prompt="Hi", session_id="../../etc/passwd")


@failure("send_message", "session ended", "does not run any more: it is completed", [])
async def _(stage: Stage) -> CallToolResult:
    ended = json.loads(said(await start(stage)))["session_id"]
    await stage.call("end_session")
    return await stage.call("send_message", prompt="Hi", session_id=ended)


@failure("send_message", "session busy", "is answering; wait for it, or cancel it", [])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    async with stage.thinking():
        busy = await stage.call("send_message", prompt="Hi")
        await stage.call("cancel")
    return busy


async def send_after_start(stage: Stage, word: str) -> CallToolResult:
    """Start a session, and then send what goes wrong."""
    await start(stage)
    return await stage.call("send_message", prompt=word)


@failure("send_message", "crash", "The agent ended with 1. Killed: out of memory", lost("AgentCrashedError"))
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "crash")


@failure(
    "send_message",
    "hang",
    "The agent said nothing for 0.5 s",
    lost("AgentSilentError"),
    patient_for(0.5),
)
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "hang")


@failure("send_message", "garbage", "wrote 100 lines that are no messages", lost("AgentProtocolError"))
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "babble")


@failure("send_message", "huge line", "wrote a line of over 8388608 bytes", lost("AgentProtocolError"))
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "shout")


@failure(
    "send_message",
    "does not listen",
    "The agent fell silent for good",
    lost("AgentCrashedError"),
    with_agent("closes its ears", stop_seconds=0.2),
)
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "Hello?")


@failure(
    "send_message",
    "answered with an error",
    "The agent failed: API Error: 529 Overloaded",
    ["  session.message: AnswerFailedError"],
)
async def _(stage: Stage) -> CallToolResult:
    return await send_after_start(stage, "fail")


# ── cancel ───────────────────────────────────────────────────────────────────
@scenario("cancel", "done", '"status": "running"', ["  session.cancel"])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    async with stage.thinking():
        return await stage.call("cancel")


@failure("cancel", "idle", "is answering nothing", [])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("cancel")


@failure("cancel", "no session", "There is no session", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("cancel")


# ── list_sessions ────────────────────────────────────────────────────────────
@scenario("list_sessions", "none", "", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("list_sessions")


@scenario("list_sessions", "running, ended, of an earlier run, and a broken file", '"lost"', [])
async def _(stage: Stage) -> CallToolResult:
    first = json.loads(said(await start(stage)))["session_id"]
    await start(stage)
    await stage.call("end_session", session_id=first)
    records = stage.settings.data / "sessions"
    running = json.loads((records / f"{first}.json").read_text()) | {"status": "running", "session_id": "old"}
    (records / "old.json").write_text(json.dumps(running))
    (records / "broken.json").write_text("{")
    listed = await stage.call("list_sessions")
    assert listed.structured_content is not None
    assert [one["status"] for one in listed.structured_content["result"]] == ["completed", "lost", "running"]
    return listed


# ── create_checkpoint ────────────────────────────────────────────────────────
@scenario("create_checkpoint", "saved", '"prompts": 1', ["  session.checkpoint"])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("create_checkpoint", label="first")


@failure(
    "create_checkpoint",
    "nothing answered yet",
    "has answered nothing yet",
    ["  session.checkpoint: SessionIdleError"],
)
async def _(stage: Stage) -> CallToolResult:
    await start_with(stage, "fail")
    return await stage.call("create_checkpoint")


@failure("create_checkpoint", "no session", "There is no session", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("create_checkpoint")


@failure(
    "create_checkpoint", "disk full", "can't be written: Is a directory", ["  session.checkpoint: StoreError"]
)
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    # The second id is the checkpoint's; a folder stands for what else keeps a file from being written.
    part = stage.settings.data / "checkpoints" / f"00000000-0000-0000-0000-{2:012}.part"
    part.mkdir(parents=True)
    return await stage.call("create_checkpoint")


# ── list_checkpoints ─────────────────────────────────────────────────────────
@scenario("list_checkpoints", "of a session", '"label": "one"', [])
async def _(stage: Stage) -> CallToolResult:
    session_id = json.loads(said(await start(stage)))["session_id"]
    await stage.call("create_checkpoint", label="one")
    listed = await stage.call("list_checkpoints", session_id=session_id)
    others = await stage.call("list_checkpoints", session_id="another")
    assert others.structured_content == {"result": []}
    return listed


# ── restore_checkpoint ───────────────────────────────────────────────────────
@scenario("restore_checkpoint", "answered", "That is prompt 2: Or else?", [*STARTED, ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    kept = json.loads(said(await stage.call("create_checkpoint", label="one")))
    # What the session goes on with is not in the checkpoint.
    await stage.call("send_message", prompt="And now?")
    return await stage.call("restore_checkpoint", checkpoint_id=kept["id"], prompt="Or else?")


@scenario("restore_checkpoint", "the newest", "That is prompt 3: Go on", [*STARTED, ANSWERED])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    await stage.call("create_checkpoint", label="one")
    await stage.call("send_message", prompt="And now?")
    await stage.call("create_checkpoint", label="two")
    return await stage.call("restore_checkpoint", prompt="Go on")


@failure("restore_checkpoint", "unknown", "There is no checkpoint old", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("restore_checkpoint", checkpoint_id="old", prompt="Go on")


@failure("restore_checkpoint", "broken file", "is broken; delete it", [])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    await stage.call("create_checkpoint")
    (file,) = (stage.settings.data / "checkpoints").glob("*.json")
    file.write_text('{"id": 1}')
    return await stage.call("restore_checkpoint", checkpoint_id=file.stem, prompt="Go on")


@failure(
    "restore_checkpoint",
    "the agent has forgotten the session",
    "No conversation found with session ID",
    not_started("AgentCrashedError"),
)
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    await stage.call("create_checkpoint")
    (file,) = (stage.settings.data / "checkpoints").glob("*.json")
    file.write_text(file.read_text().replace('"session_id": "0', '"session_id": "f'))
    return await stage.call("restore_checkpoint", prompt="Go on")


# ── end_session ──────────────────────────────────────────────────────────────
@scenario("end_session", "done", '"status": "completed"', ["  session.end"])
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("end_session")


@scenario(
    "end_session",
    "by force",
    '"status": "completed"',
    ["  session.end"],
    with_agent("does not leave", stop_seconds=0.2),
)
async def _(stage: Stage) -> CallToolResult:
    await start(stage)
    return await stage.call("end_session")


@failure("end_session", "no session", "There is no session", [])
async def _(stage: Stage) -> CallToolResult:
    return await stage.call("end_session")
