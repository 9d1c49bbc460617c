"""The contract's own rules, and the files generated from it."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from generate import ROOT, TARGETS, stale_files, write_files
from inline_snapshot import snapshot
from semconv_model import ContractError, load
from semconv_templates import guide, sdk_typescript, server_python

SOURCE = Path(__file__).with_name("semconv.yaml")
CONTRACT = load(SOURCE)


def altered(tmp_path: Path, section: str, **changes: object) -> Path:
    """The contract with one more entry in `section`: a copy of its first, changed."""
    raw = yaml.safe_load(SOURCE.read_text())
    raw[section].append({**raw[section][0], **changes})
    path = tmp_path / "semconv.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_the_generated_files_are_current():
    assert stale_files(CONTRACT, ROOT) == []


def test_the_command_names_no_file_when_all_are_current():
    command = [sys.executable, SOURCE.with_name("generate.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert (result.returncode, result.stderr) == (0, "")


def test_a_changed_and_a_missing_file_are_stale_until_they_are_written(tmp_path: Path):
    write_files(CONTRACT, tmp_path)
    assert stale_files(CONTRACT, tmp_path) == []
    (tmp_path / "docs/guide/semantic-conventions.md").unlink()
    (tmp_path / "sdk/typescript/src/semconv.ts").write_text("")
    assert stale_files(CONTRACT, tmp_path) == snapshot(
        ["sdk/typescript/src/semconv.ts", "docs/guide/semantic-conventions.md"]
    )
    write_files(CONTRACT, tmp_path)
    assert stale_files(CONTRACT, tmp_path) == []


def test_every_promoted_column_reaches_the_server_and_the_guide():
    columns = [(attribute.name, column.name) for attribute, column in CONTRACT.promoted]
    assert len(columns) == 19
    for name, column in columns:
        assert f'PromotedColumn("{name}", ' in server_python(CONTRACT)
        assert f'"{column}", ' in server_python(CONTRACT)
        assert f"| `{column}` |" in guide(CONTRACT)


def test_every_attribute_metric_event_and_method_reaches_every_file():
    for render in TARGETS.values():
        text = render(CONTRACT)
        assert [a.name for a in CONTRACT.attributes if a.name not in text] == []
        assert [m.name for m in CONTRACT.metrics if m.name not in text] == []
        assert [e.name for e in CONTRACT.events if e.name not in text] == []
        assert [m.name for m in CONTRACT.methods if m.name not in text] == []


def test_every_known_metric_and_column_of_logs_reaches_the_server_and_the_guide():
    server, page = server_python(CONTRACT), guide(CONTRACT)
    assert [m.name for m in CONTRACT.metrics if f'"{m.name}": KnownMetric(' not in server] == []
    assert [c.name for c in CONTRACT.log_columns if f'LogColumn("{c.name}", ' not in server] == []
    assert [c.name for c in CONTRACT.log_columns if f"| `{c.name}` |" not in page] == []
    assert [a.name for a in CONTRACT.other_attributes if f"| `{a.name}` |" not in page] == []


def test_what_servers_and_claude_code_send_under_names_of_their_own_is_recognised():
    named = {metric.name for metric in CONTRACT.metrics}
    assert {
        "mcp.sessions.total",
        "mcp.session.duration",
        "mcp.sessions.active",
        "mcp.message.latency",
        "mcp.streaming.throughput",
        "mcp.checkpoint.size",
        "mcp.errors",
    } <= named
    assert {name.removeprefix("claude_code.") for name in named if name.startswith("claude_code.")} == {
        "session.count",
        "active_time.total",
        "token.usage",
        "cost.usage",
        "lines_of_code.count",
        "commit.count",
        "pull_request.count",
        "code_edit_tool.decision",
    }
    assert {event.name for event in CONTRACT.events} >= {
        "user_prompt",
        "tool_result",
        "api_request",
        "api_error",
        "tool_decision",
    }


def test_boundaries_of_a_metrics_own_are_the_same_in_both_languages():
    assert (
        "MCP_SESSION_DURATION_BOUNDARIES: Final = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)"
        in (server_python(CONTRACT))
    )
    assert (
        "MCP_SESSION_DURATION_BOUNDARIES: readonly number[] = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600];"
        in sdk_typescript(CONTRACT)
    )


def test_a_closed_set_of_values_becomes_a_type():
    assert 'export type SessionSource = "handle" | "baggage" | "protocol" | "trace" | "inferred";' in (
        sdk_typescript(CONTRACT)
    )


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("attributes", {}, "attribute 'mcp.method.name' is defined twice"),
        ("attributes", {"name": "new"}, "column 'method' is defined twice"),
        (
            "attributes",
            {"name": "new", "column": None, "level": "often"},
            "the level of new: often is not known",
        ),
        ("attributes", {"name": "new", "column": None, "type": "str"}, "the type of new: str is not known"),
        (
            "attributes",
            {"name": "new", "column": None, "spans": ["peer"]},
            "the spans of new: peer is not known",
        ),
        (
            "attributes",
            {"name": "new", "column": None, "when": "it rains"},
            "new: `when` belongs to a conditional attribute, and to no other",
        ),
        (
            "attributes",
            {"name": "new", "colour": "red"},
            "semconv.yaml is malformed: Attribute.__init__() got an unexpected keyword argument 'colour'",
        ),
        ("metrics", {}, "metric 'mcp.client.operation.duration' is defined twice"),
        ("metrics", {"name": "m", "attributes": ["mcp.x"]}, "the attributes of m: mcp.x is not known"),
        ("metrics", {"name": "m", "sender": "me"}, "the sender of m: me is not known"),
        ("metrics", {"name": "m", "category": "other"}, "the category of m: other is not known"),
        ("metrics", {"name": "m", "instrument": "lute"}, "the instrument of m: lute is not known"),
        ("events", {}, "event 'user_prompt' is defined twice"),
        ("events", {"name": "e", "attributes": ["x"]}, "the attributes of e: x is not known"),
        ("other_attributes", {"name": "error.type"}, "attribute 'error.type' is defined twice"),
        ("log_columns", {}, "column of logs 'event_name' is defined twice"),
        ("log_columns", {"name": "c", "attributes": ["x"]}, "the attributes of c: x is not known"),
        ("methods", {}, "method 'tools/call' is defined twice"),
        ("methods", {"name": "m", "kind": "reply"}, "the kind of m: reply is not known"),
    ],
)
def test_a_contradiction_is_refused_by_name(
    tmp_path: Path, section: str, changes: dict[str, object], message: str
):
    with pytest.raises(ContractError) as caught:
        load(altered(tmp_path, section, **changes))
    assert str(caught.value) == message
