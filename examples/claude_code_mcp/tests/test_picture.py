"""A whole session, from its start to its end, as its telemetry has it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from mcp.server.mcpserver import Context

from claude_code_mcp.tests.stage import Stage, on_stage, settings_in, with_agent
from mcp_obs.testing import Capture, Distribution, Span

pytestmark = pytest.mark.anyio
AGENT_METRICS = {
    "mcp.sessions.total",
    "mcp.sessions.active",
    "mcp.session.duration",
    "mcp.streaming.throughput",
    "mcp.checkpoint.size",
}


def let_time_pass(telemetry: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each message that the client hears of."""
    report = Context[Any, Any].report_progress

    async def reporting(self: Context, *args: Any, **kwargs: Any) -> None:
        telemetry.clock.advance(1)
        await report(self, *args, **kwargs)

    monkeypatch.setattr(Context, "report_progress", reporting)


async def live(stage: Stage) -> None:
    """One session, start to end."""
    await stage.call("start_session", prompt="Fix the tests", model="opus")
    await stage.call("send_message", prompt="And the types")
    await stage.call("create_checkpoint", label="green")
    await stage.call("end_session")


def picture(span: Span) -> dict[str, Any]:
    """What does not differ from run to run."""
    whole = asdict(span)
    for event in whole["events"]:
        event["attributes"] = {
            name: "a pid" if name == "mcp.process.pid" else value
            for name, value in event["attributes"].items()
        }
    return {
        "name": whole["name"],
        "kind": whole["kind"],
        "seconds": span.seconds,
        "attributes": whole["attributes"],
        "events": [(event["name"], event["attributes"]) for event in whole["events"]],
        "status": whole["status"],
    }


async def test_a_session_is_these_spans_and_these_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with on_stage(settings_in(tmp_path)) as stage:
        let_time_pass(stage.telemetry, monkeypatch)
        await live(stage)
        spans, points = stage.telemetry.spans, stage.telemetry.points
    of_the_agent = [picture(span) for span in spans if "mcp.method.name" not in span.attributes]
    assert of_the_agent == snapshot(
        [
            {
                "name": "binary.discover",
                "kind": "internal",
                "seconds": 0.0,
                "attributes": {},
                "events": [],
                "status": "unset",
            },
            {
                "name": "process.start",
                "kind": "internal",
                "seconds": 0.0,
                "attributes": {},
                "events": [],
                "status": "unset",
            },
            {
                "name": "session.create",
                "kind": "server",
                "seconds": 0.0,
                "attributes": {
                    "mcp.model": "opus",
                    "gen_ai.request.model": "opus",
                    "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.source": "handle",
                    "mcp.prompt.length": 13,
                    "mcp.session.type": "new",
                    "mcp.binary.version": "2.0.0",
                },
                "events": [
                    (
                        "session.created",
                        {
                            "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                            "mcp.process.pid": "a pid",
                        },
                    )
                ],
                "status": "unset",
            },
            {
                "name": "session.message",
                "kind": "internal",
                "seconds": 2.0,
                "attributes": {
                    "mcp.model": "opus",
                    "gen_ai.request.model": "opus",
                    "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.source": "handle",
                    "mcp.prompt.length": 13,
                    "mcp.message.count": 2,
                },
                "events": [],
                "status": "unset",
            },
            {
                "name": "session.message",
                "kind": "internal",
                "seconds": 2.0,
                "attributes": {
                    "mcp.model": "opus",
                    "gen_ai.request.model": "opus",
                    "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.source": "handle",
                    "mcp.prompt.length": 13,
                    "mcp.message.count": 3,
                },
                "events": [],
                "status": "unset",
            },
            {
                "name": "session.checkpoint",
                "kind": "internal",
                "seconds": 0.0,
                "attributes": {
                    "mcp.model": "opus",
                    "gen_ai.request.model": "opus",
                    "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.source": "handle",
                    "mcp.checkpoint.id": "00000000-0000-0000-0000-000000000002",
                    "mcp.checkpoint.length": 521,
                },
                "events": [],
                "status": "unset",
            },
            {
                "name": "session.end",
                "kind": "internal",
                "seconds": 0.0,
                "attributes": {
                    "mcp.model": "opus",
                    "gen_ai.request.model": "opus",
                    "mcp.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.id": "00000000-0000-0000-0000-000000000001",
                    "mcp_obs.session.source": "handle",
                    "mcp.session.status": "completed",
                },
                "events": [],
                "status": "unset",
            },
        ]
    )
    measured = [
        (
            point.metric,
            point.unit,
            point.attributes,
            (point.value.count, point.value.sum) if isinstance(point.value, Distribution) else point.value,
        )
        for point in points
        if point.metric in AGENT_METRICS
    ]
    assert measured == snapshot(
        [
            ("mcp.sessions.total", "1", {"model": "opus", "restored": "False"}, 1),
            ("mcp.session.duration", "s", {"model": "opus", "status": "completed"}, (1, 4.0)),
            ("mcp.sessions.active", "1", {}, 0),
            ("mcp.streaming.throughput", "msg/s", {}, (2, 2.5)),
            ("mcp.checkpoint.size", "By", {}, (1, 521.0)),
        ]
    )


async def test_the_agent_goes_on_in_the_trace_of_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLAUDECODE", "1")
    async with on_stage(with_agent("tells its trace")(settings_in(tmp_path))) as stage:
        answer = await stage.call("start_session", prompt="Hi")
        start = stage.telemetry.span("process.start")
    assert answer.structured_content is not None
    assert answer.structured_content["text"] == f"00-{start.trace_id}-{start.span_id}-03"
