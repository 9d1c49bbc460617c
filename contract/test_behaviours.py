"""The rules that the list of behaviours keeps."""

from pathlib import Path

import pytest
import yaml
from behaviours_model import SOURCE, load
from semconv_model import ContractError

BEHAVIOURS = load()


def altered(tmp_path: Path, **changes: object) -> Path:
    """The list with one more behaviour: a copy of its first, changed."""
    raw = yaml.safe_load(SOURCE.read_text())
    raw["behaviours"].append({**raw["behaviours"][0], **changes})
    path = tmp_path / "behaviours.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_every_sentence_is_one():
    wrong = [one.id for one in BEHAVIOURS.behaviours if not one.says.endswith(".") or ". " in one.says]
    assert wrong == []


def test_what_is_left_out_means_everything():
    found = BEHAVIOURS.find("operation.one-span")
    assert (found.scope, found.status, found.eras) == ("server", "proven", ("legacy", "modern"))
    assert (found.transports, found.sdks) == (BEHAVIOURS.transports, BEHAVIOURS.sdks)
    assert found.lines == tuple(line.name for line in BEHAVIOURS.lines)


def test_a_behaviour_of_one_era_concerns_the_lines_that_speak_it():
    assert "mcp 1.x" not in BEHAVIOURS.find("operation.discover").lines
    assert "mcp 2.x" in BEHAVIOURS.find("operation.initialize").lines


def test_a_version_before_the_first_that_can_show_it_is_not_concerned(tmp_path: Path):
    path = altered(tmp_path, id="a.b", since={"mcp 1.x": "1.10"}, lines=["mcp 1.x", "mcp 2.x"])
    behaviour = load(path).find("a.b")
    assert behaviour.concerned({"mcp 1.x": "1.9.4"}) == []
    assert behaviour.concerned({"mcp 1.x": "1.10.0", "fastmcp 3.x": "3.0.0"}) == ["mcp 1.x"]
    assert behaviour.concerned({"mcp 2.x": "2.0.0"}) == ["mcp 2.x"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "behaviour 'operation.one-span' is defined twice"),
        ({"id": "Operation"}, "'Operation' is no id: noun.what-it-does, in lower case"),
        ({"id": "a.b", "eras": ["stone age"]}, "the eras of a.b: stone age is not known"),
        ({"id": "a.b", "transports": ["pigeon"]}, "the transports of a.b: pigeon is not known"),
        ({"id": "a.b", "lines": ["mcp 9.x"]}, "the lines of a.b: mcp 9.x is not known"),
        (
            {"id": "a.b", "since": {"mcp 9.x": "9.1"}},
            "the lines that a.b has a first version for: mcp 9.x is not known",
        ),
        ({"id": "a.b", "sdks": ["cobol"]}, "the sdks of a.b: cobol is not known"),
        ({"id": "a.b", "scope": "host"}, "the scope of a.b: host is not known"),
        ({"id": "a.b", "status": "wished"}, "the status of a.b: wished is not known"),
        (
            {"id": "a.b", "scope": "process", "eras": ["legacy"]},
            "a.b: a process has no eras and no transports",
        ),
        (
            {"id": "a.b", "eras": ["modern"], "lines": ["mcp 1.x"]},
            "a.b: mcp 1.x speaks none of its eras",
        ),
        (
            {"id": "a.b", "when": "it rains"},
            "behaviours.yaml is malformed: Behaviour.__init__() got an unexpected keyword argument 'when'",
        ),
    ],
)
def test_a_contradiction_is_refused_by_name(tmp_path: Path, changes: dict[str, object], message: str):
    with pytest.raises(ContractError) as caught:
        load(altered(tmp_path, **changes))
    assert str(caught.value) == message


def test_an_id_that_is_not_known_is_refused():
    with pytest.raises(ContractError, match=r"behaviour 'operation\.dance' is not in behaviours\.yaml"):
        BEHAVIOURS.find("operation.dance")
    with pytest.raises(ContractError, match=r"library line 'mcp 0\.x' is not in behaviours\.yaml"):
        BEHAVIOURS.line("mcp 0.x")
