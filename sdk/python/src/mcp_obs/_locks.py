"""Locks that a forked child can take."""

import os
import threading
from weakref import WeakSet

_locks = WeakSet[threading.Lock]()


def new_lock() -> threading.Lock:
    """A lock that is free in a forked child, whose parent's other threads, one of which may hold it, are not there."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _free_all() -> None:
    for lock in _locks:
        if lock.locked():
            lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_free_all)
