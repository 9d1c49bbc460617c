"""How organisations share bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.errors import Overloaded


def filled(limit: int, *org_ids: int) -> dict[int, int]:
    """How much each gets when they take a byte at a time, in turn, until nobody gets another."""
    budget = Budget(limit, "full")
    held = dict.fromkeys(org_ids, 0)
    hungry = list(org_ids)
    while hungry:
        for org_id in tuple(hungry):
            try:
                budget.take(org_id, 1)
                held[org_id] += 1
            except Overloaded:
                hungry.remove(org_id)
    return held


def test_one_organisation_alone_holds_at_most_half() -> None:
    assert filled(1200, 1) == {1: 600}


def test_two_hold_a_third_each_and_three_a_quarter() -> None:
    assert filled(1200, 1, 2) == {1: 400, 2: 400}
    assert filled(1200, 1, 2, 3) == {1: 300, 2: 300, 3: 300}


def test_whoever_holds_nothing_finds_room_however_many_flood() -> None:
    budget = Budget(1200, "full")
    for flooder in range(1, 6):
        with pytest.raises(Overloaded, match="full"):
            while True:
                budget.take(flooder, 10)
    budget.take(6, 10)


def test_what_is_given_back_can_be_taken_again() -> None:
    budget = Budget(100, "full")
    budget.take(1, 50)
    with pytest.raises(Overloaded):
        budget.take(1, 1)
    budget.give_back(1, 50)
    budget.take(1, 50)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 60)), max_size=60))
def test_the_limit_holds_and_everything_can_be_given_back(takes: list[tuple[int, int]]) -> None:
    budget = Budget(100, "full")
    held: list[tuple[int, int]] = []
    for org_id, size in takes:
        try:
            budget.take(org_id, size)
            held.append((org_id, size))
        except Overloaded:
            pass
    assert sum(size for _, size in held) <= 100
    for org_id, size in held:
        budget.give_back(org_id, size)
    budget.take(9, 50)
