"""Who comes next when several organisations wait."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round robin between organisations, first come first served within one."""

    def __init__(self) -> None:
        self._queues: OrderedDict[int, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def put(self, org_id: int, item: T) -> None:
        """Wait behind the organisation's own, and behind one of every other's."""
        queue = self._queues.get(org_id)
        if queue is None:
            queue = self._queues[org_id] = deque()
        queue.append(item)

    def pop(self) -> T:
        """The next one; its organisation goes to the back of the line. Raises KeyError when nobody waits."""
        org_id, queue = self._queues.popitem(last=False)
        item = queue.popleft()
        if queue:
            self._queues[org_id] = queue
        return item
