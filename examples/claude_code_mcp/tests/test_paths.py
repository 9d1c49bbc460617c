"""Every path of the example's code is traced: each is walked, with agents that are real processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest

from claude_code_mcp import errors
from claude_code_mcp.tests.scenarios import SCENARIOS
from claude_code_mcp.tests.stage import Played, Scenario, on_stage, perform, said, settings_in
from claude_code_mcp.tests.walking import Walk
from mcp_obs.testing import Distribution

# All scenarios are played before the first test.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]
PACKAGE = Path(__file__).parent.parent
# The stand-in is a program of its own.
NOT_WALKED = {"__init__.py", "__main__.py", "stand_in.py"}
# Before the first call and after the last there is no span; the sessions that end then have their own.
OUTSIDE_OF_CALLS = (
    "Settings.from_environment",
    "usual_places",
    "create_server",
    "create_server.<locals>.lifespan",
    "new_uuid",
    "AgentTools.__init__",
    "AgentTools.all",
    "SessionManager.__init__",
    "SessionManager.end_all",
    "BinaryManager.__init__",
    "Checkpoints.__init__",
    "Store.__init__",
)


@dataclass
class Walked:
    """What came of all scenarios."""

    played: dict[str, Played]
    walk: Walk


@pytest.fixture(scope="module")
def walked() -> Walked:
    walk = Walk([file for file in PACKAGE.glob("*.py") if file.name not in NOT_WALKED])
    played = dict[str, Played]()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for scenario in SCENARIOS:
            with TemporaryDirectory() as folder, walk:
                monkeypatch.setenv("STAND_IN_HOME", f"{folder}/stand-in")
                played[scenario.name] = anyio.run(perform, scenario, Path(folder))
    return Walked(played, walk)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_call_says_how_it_ended_and_has_a_span_for_each_step(walked: Walked, scenario: Scenario):
    played = walked.played[scenario.name]
    assert scenario.says in played.says
    assert played.spans == scenario.spans


async def test_every_tool_is_walked(tmp_path: Path):
    async with on_stage(settings_in(tmp_path)) as stage:
        assert await stage.tools() == {scenario.tool for scenario in SCENARIOS}


def test_every_error_is_walked_and_is_on_a_span(walked: Walked):
    kinds = {kind.__name__ for kind in leaves(errors.AgentError)}
    assert kinds == {error for played in walked.played.values() for error in played.errors} & kinds


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    """The errors that are raised."""
    if not kind.__subclasses__():
        yield kind
    for below in kind.__subclasses__():
        yield from leaves(below)


def test_every_line_is_walked_within_a_span(walked: Walked):
    walk = walked.walk
    missing = {line for line in walk.lines() - walk.within_a_span if line.function not in OUTSIDE_OF_CALLS}
    assert not sorted(map(str, missing))


async def test_what_runs_when_the_server_ends_is_ended_with_it(tmp_path: Path):
    async with on_stage(settings_in(tmp_path)) as stage:
        for _ in range(2):
            await stage.call("start_session", prompt="Hi")
        await stage.call("create_checkpoint")
    ends = [span for span in stage.telemetry.spans if span.name == "session.end"]
    assert [span.attributes["mcp.session.status"] for span in ends] == ["interrupted", "interrupted"]
    (active,) = stage.telemetry.points_of("mcp.sessions.active")
    assert active.value == 0
    (lasted,) = stage.telemetry.points_of("mcp.session.duration")
    assert isinstance(lasted.value, Distribution)
    assert (lasted.attributes, lasted.value.count) == ({"model": "sonnet", "status": "interrupted"}, 2)
    async with on_stage(settings_in(tmp_path)) as stage:
        listed = await stage.call("list_sessions")
        restored = await stage.call("restore_checkpoint", prompt="Go on")
    assert said(listed).count('"interrupted"') == 2
    assert "That is prompt 2: Go on" in said(restored)
