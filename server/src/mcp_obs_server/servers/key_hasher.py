"""bcrypt, away from the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import bcrypt

# A key's secret is 190 random bits, so no work factor is needed against guessing. 10, the least that
# is advised for passwords, costs about 60 ms, once per key and process.
WORK_FACTOR = 10


class KeyHasher:
    """Hashes and checks keys one at a time: a flood of wrong secrets takes one core at most."""

    def __init__(self, work_factor: int = WORK_FACTOR) -> None:
        self._work_factor = work_factor
        # A thread of its own keeps its turn even when the request that waits is cancelled.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")

    async def hash(self, key: str) -> str:
        """What to store for this key."""
        salt = bcrypt.gensalt(self._work_factor)
        hashed = await asyncio.get_running_loop().run_in_executor(
            self._thread, bcrypt.hashpw, key.encode(), salt
        )
        return hashed.decode()

    async def matches(self, key: str, stored: str) -> bool:
        """Whether this key made that hash."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, bcrypt.checkpw, key.encode(), stored.encode()
        )

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)
