import pytest

from mcp_obs_server.kit.remembered import SECONDS, Remembered


class Asked:
    """What is looked up, how often it was, and what happens meanwhile."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.times = 0
        self.forgotten_by: Remembered[str, str] | None = None

    async def __call__(self) -> str | None:
        self.times += 1
        if self.forgotten_by:
            self.forgotten_by.forget("ada")
        return self.answer


@pytest.mark.parametrize(("later", "times"), [(SECONDS - 0.1, 1), (SECONDS, 2)])
async def test_an_answer_is_believed_for_some_seconds(later: float, times: int) -> None:
    now = [0.0]
    remembered = Remembered[str, str](lambda: now[0])
    asked = Asked("owner")
    assert await remembered.get("ada", asked) == "owner"
    now[0] = later
    assert await remembered.get("ada", asked) == "owner"
    assert asked.times == times


async def test_what_was_forgotten_is_looked_up_again() -> None:
    remembered = Remembered[str, str]()
    asked = Asked("owner")
    await remembered.get("ada", asked)
    remembered.forget("ada")
    asked.answer = None
    assert await remembered.get("ada", asked) is None


async def test_an_answer_that_was_forgotten_while_it_was_looked_up_is_not_believed() -> None:
    remembered = Remembered[str, str]()
    asked = Asked("owner")
    asked.forgotten_by = remembered
    assert await remembered.get("ada", asked) == "owner"
    asked.answer = None
    assert await remembered.get("ada", asked) is None


async def test_that_there_is_none_is_not_remembered() -> None:
    remembered = Remembered[str, str]()
    asked = Asked(None)
    assert await remembered.get("ada", asked) is None
    asked.answer = "owner"
    assert await remembered.get("ada", asked) == "owner"
