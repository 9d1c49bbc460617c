import pytest

from mcp_obs.cli.program import program


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        (".venv/bin/mcp-obs", ".venv/bin/mcp-obs"),
        ("mcp-obs", "mcp-obs"),
        ("/somewhere/bin/mcp-obs", "mcp-obs"),
        ("-c", "mcp-obs"),
    ],
)
def test_a_printed_command_starts_as_the_one_that_was_typed(
    monkeypatch: pytest.MonkeyPatch, typed: str, printed: str
) -> None:
    monkeypatch.setattr("sys.argv", [typed])
    assert program() == printed
