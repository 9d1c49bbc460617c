"""Trace and span ids that look random, are unique, and can be told apart again.

Every span has a number: `seed + export * spans + index`. Its span id is that number mixed by splitmix64's finalizer, a
bijection on 64 bits: two numbers never share an id, and `numbers_of` turns stored ids back into numbers, so what was
stored, twice or not at all is known without keeping a list of ids.
"""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""Unsigned 64-bit words."""

_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_INVERSES = tuple(np.uint64(pow(int(multiplier), -1, 2**64)) for multiplier in _MULTIPLIERS)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
# The three words of one span come from numbers far apart.
_APART = np.array([[0], [0x9E3779B97F4A7C15], [0xD1B54A32D192ED03]], dtype=np.uint64)


class SpanIds:
    """The ids of one sender's exports of `spans` spans each."""

    def __init__(self, seed: int, spans: int) -> None:
        self._seed = seed
        self._spans = spans
        self._offsets = np.arange(spans, dtype=np.uint64) + _APART

    def of_export(self, export: int) -> Words:
        """Three rows of words, one column a span: the span id and the two halves of the trace id."""
        first = np.uint64((self._seed + export * self._spans) % 2**64)
        return mix(self._offsets + first)


def mix(numbers: Words) -> Words:
    """Spread numbers over all 64 bits, in place: no two meet."""
    for shift, multiplier in zip(_SHIFTS, _MULTIPLIERS, strict=False):
        numbers ^= numbers >> shift
        numbers *= multiplier
    numbers ^= numbers >> _SHIFTS[-1]
    return numbers


def numbers_of(span_ids: Words, seed: int) -> Words:
    """The numbers, counted from the seed, that span ids were made from."""
    words = _unshift(span_ids, _SHIFTS[2]) * _INVERSES[1]
    words = _unshift(words, _SHIFTS[1]) * _INVERSES[0]
    return _unshift(words, _SHIFTS[0]) - np.uint64(seed % 2**64)


def _unshift(words: Words, shift: np.uint64) -> Words:
    """Undo `x ^= x >> shift` for shifts over 21 bits."""
    once = words >> shift
    return words ^ once ^ (once >> shift)
