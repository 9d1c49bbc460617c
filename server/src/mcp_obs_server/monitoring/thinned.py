"""A bounded number a second of something that may happen any number of times."""

import time
from collections.abc import Callable


class Thinned:
    """Lets the first ones of each second through, each standing for those held back since the one before it."""

    def __init__(self, per_second: int, timer: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._timer = timer
        self._second = 0
        self._let_through = 0
        self._held_back = 0

    def weight(self) -> int | None:
        """How many this one stands for; None when it is held back."""
        second = int(self._timer())
        if second != self._second:
            self._second, self._let_through = second, 0
        if self._let_through == self._per_second:
            self._held_back += 1
            return None
        self._let_through += 1
        weight, self._held_back = self._held_back + 1, 0
        return weight
