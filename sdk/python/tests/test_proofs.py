"""What a run says it has proven, from runs of pytest on small suites."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dirty_equals import IsPartialDict
from inline_snapshot import snapshot
from sdk_kit.lines import MCP

TESTS = Path(__file__).parent
CONFTEST = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from sdk_kit import proofs

def pytest_addoption(parser):
    parser.addoption("--proofs")

def pytest_configure(config):
    proofs.register(config)
"""
SUITE = """
import pytest
from sdk_kit.lines import installed_lines

LINE = next(line for line in installed_lines().values() if line.protocol_version <= "2025-11-25")

@pytest.fixture
def line():
    return LINE

@pytest.mark.behaviour("operation.one-span", "operation.discover")
def test_connects(line):
    line.in_memory(None)

@pytest.mark.behaviour("operation.one-span")
def test_connects_otherwise(line):
    for connect in (line.over_http, line.over_sse, line.over_stateless_http):
        connect("http://127.0.0.1:1", None)

@pytest.mark.behaviour("operation.ping")
@pytest.mark.proven_on("mcp 2.x", "legacy", "stdio")
def test_says_where():
    pass

@pytest.mark.behaviour("exit.flush", "exit.bounded")
def test_needs_no_server():
    pass

@pytest.mark.behaviour("exit.bounded", "export.fork")
def test_fails():
    raise OSError
"""


def run(folder: Path, suite: str) -> "subprocess.CompletedProcess[str]":
    """A run of its own, which writes what it has proven to `proofs.json`."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "--proofs", "proofs.json", "--strict-markers"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_run_writes_what_passed_and_where(tmp_path: Path):
    result = run(tmp_path, SUITE)
    assert "1 failed, 4 passed" in result.stdout, result.stdout
    proofs: dict[str, Any] = json.loads((tmp_path / "proofs.json").read_text())
    assert "mcp" in proofs["versions"]
    assert proofs["process"] == snapshot(["exit.flush"])
    (used,) = [eras for eras in proofs["servers"].values() if "operation.one-span" in eras["legacy"]]
    # A line of the era without server/discover proves nothing of it.
    transports = "http in-memory sse stateless-http"
    assert used == IsPartialDict({"legacy": IsPartialDict({"operation.one-span": transports})})
    assert "operation.discover" not in json.dumps(proofs["servers"])
    assert ["export.fork"] in proofs["unproven"]
    assert proofs["servers"]["mcp 2.x"]["legacy"]["operation.ping"] == "stdio"


def test_a_run_fails_for_a_behaviour_that_has_lost_its_proof(tmp_path: Path):
    result = run(tmp_path, SUITE.partition('@pytest.mark.behaviour("exit.bounded", "export.fork")')[0])
    line = f"mcp {MCP}.x, legacy"
    assert result.returncode == 1
    told = result.stdout.partition("not proven ")[2].splitlines()
    assert {"exit.flush-on-sigterm", f"operation.completion on {line}"} <= set(told)
    assert not {"exit.flush", f"operation.one-span on {line}"} & set(told)
    assert "4 passed" in told[-1]
    assert f"{len(told) - 2} not proven" in told[-1]


@pytest.mark.parametrize(
    ("suite", "trouble"),
    [
        (
            "@pytest.mark.behaviour('operation.dance')\ndef test_it(): pass",
            "test_suite.py::test_it: behaviour 'operation.dance' is not in behaviours.yaml",
        ),
        (
            "@pytest.mark.behaviour('operation.ping')\ndef test_it(): pass",
            "test_suite.py::test_it: operation.ping needs the fixture `line` or the marker proven_on",
        ),
        (
            "@pytest.mark.proven_on('mcp 0.x', 'legacy', 'stdio')\ndef test_it(): pass",
            "test_suite.py::test_it: library line 'mcp 0.x' is not in behaviours.yaml",
        ),
    ],
)
def test_a_test_that_names_what_is_not_known_stops_the_run(suite: str, trouble: str, tmp_path: Path):
    result = run(tmp_path, f"import pytest\n\n{suite}\n")
    assert (result.returncode, f"ERROR: {trouble}" in result.stderr) == (4, True), result.stderr
