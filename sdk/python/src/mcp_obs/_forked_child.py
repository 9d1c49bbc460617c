"""What a forked child begins with: locks that it can take, and nothing that only its parent's threads would end."""

import os
import threading
from collections.abc import Callable
from types import MethodType
from weakref import WeakKeyDictionary, WeakSet

from mcp_obs._guard import Guard

_locks = WeakSet[threading.Lock]()
_methods = WeakKeyDictionary[object, Callable[..., object]]()

_beginning = Guard("beginning anew in a forked child")


def new_lock() -> threading.Lock:
    """A lock that is free in a forked child, whose parent's other threads, one of which may hold it, are not there."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def call_in_children(method: MethodType) -> None:
    """Have every forked child call a method, one of each object that lives; it may take locks made here."""
    # In one step: a fork finds it there or not.
    _methods[method.__self__] = method.__func__


def _begin() -> None:
    """Free the locks first: a method may wait for one."""
    for lock in _locks:
        if lock.locked():
            lock.release()
    for reference in _methods.keyrefs():
        owner = reference()
        if owner is not None:
            with _beginning:
                _methods[owner](owner)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin)
