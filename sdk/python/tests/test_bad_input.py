"""What no protocol has words for, in arguments, results and exceptions: it changes no answer, and the call is told."""

import gc
import math
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsPositiveInt
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs._details import Details

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("line", installed_lines().values(), ids=str),
]
OURS = Path(mcp_obs.__file__).parent


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects."""
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"in": value}
    return value


def cyclic() -> dict[str, Any]:
    """What has no end."""
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


ODD: dict[str, Callable[[], dict[str, Any]]] = {
    "no numbers": lambda: {"x": math.nan, "y": -math.inf},
    "bytes": lambda: {"x": b"abc", "y": b"\xff\x00"},
    "deep": lambda: nested(200),
    "too deep": lambda: nested(3000),
    "cyclic": cyclic,
    "lone surrogates": lambda: {"a\ud800": "b\udfff"},
    "of 10 MB": lambda: {"x": "y" * 10_000_000},
}


def structured(kind: str) -> dict[str, Any]:
    """A result with a structure."""
    return ODD[kind]()


def said(kind: str) -> str:
    """A result that is a text, of which there is one here that is odd."""
    return "".join(map(str, ODD[kind]().values())) if kind in {"of 10 MB", "lone surrogates"} else "nothing"


def taken(value: Any) -> str:
    """What a tool gets."""
    return type(value).__name__


def server_of(line: Line, *tools: Callable[..., Any]) -> Any:
    """A server with these tools."""
    server: Any = line.build()
    add = server.tool if line.name.startswith("fastmcp") else server.add_tool
    for tool in tools:
        add(tool)
    return server


async def answer(line: Line, server: Any, tool: str, arguments: dict[str, Any]) -> str:
    """The whole answer, or why the client had none."""
    async with line.in_memory(server) as peer:
        try:
            return repr(await peer.session.call_tool(tool, arguments))
        except Exception as error:  # noqa: BLE001  libraries fail in many ways
            return f"{type(error).__name__}: {error}"


@pytest.fixture
def streams_may_be_left_open() -> Iterator[None]:
    """The clients of mcp 1.x leave some open when they can't send a request; they are not to warn of it later."""
    yield
    gc.collect()


@pytest.mark.usefixtures("streams_may_be_left_open")
@pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
@pytest.mark.behaviour("host.answers-unchanged", "host.undescribable-message")
@pytest.mark.parametrize("level", ["shape", "full"])
@pytest.mark.parametrize("kind", ODD)
async def test_what_is_odd_is_answered_as_without_us_and_recorded(
    line: Line, kind: str, level: str, way: Way, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MCP_OBS_STRICT")
    tools = (structured, said, taken)
    for tool, arguments in (
        ("structured", {"kind": kind}),
        ("said", {"kind": kind}),
        ("taken", {"value": ODD[kind]()}),
    ):
        bare = await answer(line, server_of(line, *tools), tool, arguments)
        with Recording(way, Details(mcp_obs.Privacy(level))) as recording:
            server = mcp_obs.instrument(server_of(line, *tools))
            assert await answer(line, server, tool, arguments) == bare
        # Some clients send no such arguments.
        if not bare.startswith("CallToolResult"):
            assert f"tools/call {tool}" not in recording.names
            continue
        outcome = "error" if "rror=True" in bare else "ok"
        assert recording.picture(f"tools/call {tool}")["attributes"] == IsPartialDict(
            {"gen_ai.tool.name": tool, "mcp_obs.operation.outcome": outcome}
            | ({"mcp_obs.request.size": IsPositiveInt()} if tool != "taken" else {})
        )


@pytest.mark.behaviour("host.answers-unchanged", "error.tool-exception-keeps-type")
async def test_a_tool_s_exception_is_the_library_s_to_handle_as_it_was_raised(
    line: Line, recording: Recording
):
    raised: list[OSError] = []

    def fails() -> None:
        raised.append(OSError("the disk is full"))
        raise raised[-1]

    async def frames(server: Any) -> list[tuple[str, str]]:
        assert "rror=True" in await answer(line, server, "fails", {})
        error = raised[-1]
        assert (error.args, error.__cause__, error.__context__) == (("the disk is full",), None, None)
        passed = traceback.extract_tb(error.__traceback__)
        return [(each.filename, each.name) for each in passed if OURS not in Path(each.filename).parents]

    bare = await frames(server_of(line, fails))
    assert bare[-1] == (__file__, "fails")
    assert await frames(mcp_obs.instrument(server_of(line, fails))) == bare
