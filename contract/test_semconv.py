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


def test_every_attribute_and_method_reaches_every_file():
    for render in TARGETS.values():
        text = render(CONTRACT)
        assert [a.name for a in CONTRACT.attributes if a.name not in text] == []
        assert [m.name for m in CONTRACT.methods if m.name not in text] == []


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
