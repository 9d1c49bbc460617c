"""What the control plane answered a moment ago."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

SECONDS = 5.0  # how long another process's change can go unseen
ENTRIES = 10_000  # about 4 MB


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Answers by key, believed for some seconds. That there is none is not remembered."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._answers = TTLCache[Key, Value](ENTRIES, SECONDS, timer)
        self._forgotten = 0  # how often `forget` was called

    async def get(self, key: Key, look_up: Callable[[], Awaitable[Value | None]]) -> Value | None:
        """The answer for this key, looked up when it isn't fresh."""
        if (answer := self._answers.get(key)) is not None:
            return answer
        forgotten = self._forgotten
        answer = await look_up()
        if answer is not None and forgotten == self._forgotten:  # else it may have changed since it was read
            self._answers[key] = answer
        return answer

    def forget(self, key: Key) -> None:
        """Look this one up again."""
        self._forgotten += 1
        self._answers.pop(key, None)
