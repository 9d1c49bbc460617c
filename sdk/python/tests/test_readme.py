"""The guide's code runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
GUIDE = Path(__file__).parents[3] / "docs" / "guide"
PAGES = {README: 5, GUIDE / "privacy.md": 1, GUIDE / "users-and-sessions.md": 6}
"""With the number of programs in each."""


def snippets(page: Path) -> list[str]:
    """The Python in a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


SNIPPETS = snippets(README)
TESTS = [snippet for snippet in SNIPPETS if snippet.startswith("# test_")]


def run(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Python, with warnings as errors."""
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.behaviour("configuration.guide")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_guide_s_code_runs_without_a_word(page: Path):
    programs = [snippet for snippet in snippets(page) if snippet not in TESTS]
    assert len(programs) == PAGES[page]
    # Every page goes on with the server of the first lines.
    before = [] if page == README else SNIPPETS[:1]
    result = run("-c", "\n".join([*before, *programs]))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_guide_s_tests_pass_on_the_guide_s_server(tmp_path: Path):
    assert len(TESTS) == 1
    (tmp_path / "weather.py").write_text(SNIPPETS[0])
    for snippet in TESTS:
        name = snippet.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(snippet)
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout
