import click
import pytest

from mcp_obs_server.commands.duration import Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1.0), ("90s", 90.0), ("10m", 600.0), ("2h", 7200.0), ("1d", 86_400.0)]
)
def test_a_length_of_time_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "-5m", "1.5h", "10m ", "1w", "²s", "9999999s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it like 90s, 10m or 2h"):
        Duration().convert(text, None, None)
