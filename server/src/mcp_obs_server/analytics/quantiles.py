"""Quantiles of a histogram, whatever its buckets: of any bounds or scales, overlapping, or left from a subtraction."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

Edges = tuple[float, float]
"""Above the first, up to and with the second."""


_ROUNDING = 1e-9


def quantiles(
    edges: Iterable[Edges], counts: Sequence[int], fractions: Sequence[float]
) -> list[float | None]:
    """The value below which each fraction of all counts lies, rising evenly within a bucket; None without counts.

    Without a lower end a bucket begins at 0, or at its upper end below that; without an upper end, all of it lies at
    its lower end. Fractions must be sorted.
    """
    total = sum(counts)
    if total <= 0:
        return [None] * len(fractions)
    jumps, slopes = _density(zip(edges, counts, strict=True))
    return _crossings(jumps, slopes, [fraction * total for fraction in fractions])


def _density(buckets: Iterable[tuple[Edges, int]]) -> tuple[dict[float, float], dict[float, float]]:
    """What is added to the sum at once at a value, and by how much its slope changes there."""
    jumps: dict[float, float] = defaultdict(float)
    slopes: dict[float, float] = defaultdict(float)
    for (lower, upper), count in buckets:
        low = min(0.0, upper) if lower == -math.inf else lower
        high = low if upper == math.inf else upper
        if high > low:
            slopes[low] += count / (high - low)
            slopes[high] -= count / (high - low)
        else:
            jumps[low] += count
    return jumps, slopes


def _crossings(
    jumps: dict[float, float], slopes: dict[float, float], targets: list[float]
) -> list[float | None]:
    found: list[float | None] = []
    below = slope = 0.0
    at = -math.inf
    for value in sorted({*jumps, *slopes}):
        reached = below + slope * (value - at) if slope else below
        while len(found) < len(targets) and slope > 0 and _reaches(reached, targets[len(found)]):
            found.append(min(max(at, value - (reached - targets[len(found)]) / slope), value))
        below, at = reached + jumps.get(value, 0.0), value
        while len(found) < len(targets) and _reaches(below, targets[len(found)]):
            found.append(value)
        slope += slopes.get(value, 0.0)
    # Rounding may leave the last one short of its target.
    return found + [at] * (len(targets) - len(found))


def _reaches(count: float, target: float) -> bool:
    """Whether it does but for rounding, which must not carry a target across a gap between buckets."""
    return count >= target * (1 - _ROUNDING)
