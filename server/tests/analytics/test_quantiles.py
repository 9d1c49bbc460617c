"""Quantiles of buckets, held to what the values themselves say."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_obs_server.analytics.quantiles import quantiles

_FRACTIONS = (0.5, 0.95, 0.99)
_BOUNDS = st.lists(st.integers(-50, 50), min_size=1, max_size=8, unique=True).map(sorted)
_VALUES = st.lists(st.integers(-60, 60), min_size=1, max_size=40)


def edges_of(bounds: list[int]) -> list[tuple[float, float]]:
    return list(pairwise([-math.inf, *map(float, bounds), math.inf]))


def counts_of(values: list[int], bounds: list[int]) -> list[int]:
    return [sum(low < value <= high for value in values) for low, high in edges_of(bounds)]


@given(_VALUES, _BOUNDS)
def test_a_quantile_lies_in_the_bucket_of_the_value_that_has_its_rank(
    values: list[int], bounds: list[int]
) -> None:
    found = quantiles(edges_of(bounds), counts_of(values, bounds), _FRACTIONS)
    for fraction, quantile in zip(_FRACTIONS, found, strict=True):
        value = sorted(values)[max(math.ceil(fraction * len(values)) - 1, 0)]
        ((low, high),) = [(low, high) for low, high in edges_of(bounds) if low < value <= high]
        assert quantile is not None
        # The open buckets begin at 0 or at their end, and end where they begin.
        lowest = min(0.0, high) if low == -math.inf else low
        highest = lowest if high == math.inf else high
        assert lowest - 1e-9 <= quantile <= highest + 1e-9


@given(_VALUES, _BOUNDS, _VALUES, _BOUNDS)
def test_quantiles_rise_and_the_sum_of_two_histograms_lies_between_them(
    values: list[int], bounds: list[int], other_values: list[int], other_bounds: list[int]
) -> None:
    one = (edges_of(bounds), counts_of(values, bounds))
    other = (edges_of(other_bounds), counts_of(other_values, other_bounds))
    both = quantiles(one[0] + other[0], one[1] + other[1], _FRACTIONS)
    alone = [quantiles(*each, _FRACTIONS) for each in (one, other)]
    assert both == sorted(both, key=lambda value: value or 0.0)
    for quantile, first, second in zip(both, *alone, strict=True):
        assert quantile is not None
        assert first is not None
        assert second is not None
        assert min(first, second) - 1e-9 <= quantile <= max(first, second) + 1e-9


@given(_VALUES, _BOUNDS, _VALUES)
def test_what_was_added_and_taken_away_again_changes_nothing(
    values: list[int], bounds: list[int], others: list[int]
) -> None:
    edges, counts, added = edges_of(bounds), counts_of(values, bounds), counts_of(others, bounds)
    before = quantiles(edges, counts, _FRACTIONS)
    after = quantiles(edges * 3, [*counts, *added, *(-count for count in added)], _FRACTIONS)
    assert after == pytest.approx(before)


def test_values_are_taken_to_lie_evenly_in_a_bucket() -> None:
    assert quantiles([(0.0, 10.0), (10.0, 20.0)], [10, 10], (0.25, 0.5, 0.75)) == [5.0, 10.0, 15.0]


def test_nothing_has_no_quantiles() -> None:
    assert quantiles([], [], _FRACTIONS) == [None] * 3
    assert quantiles([(0.0, 1.0)], [0], _FRACTIONS) == [None] * 3
