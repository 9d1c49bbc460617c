"""Trace and span ids of our own random numbers."""

import os
from random import Random

# Apart from the host's: one that seeds the module's generator would get the same ids every time.
_random = Random()  # noqa: S311  ids need to differ, not to be secret

# A forked process would go on with its parent's numbers.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_random.seed)

_getrandbits = _random.getrandbits


def new_trace_id() -> int:
    """16 bytes, not zero (W3C Trace Context, 3.2.2.3)."""
    return _getrandbits(128) or 1


def new_span_id() -> int:
    """8 bytes, not zero (W3C Trace Context, 3.2.2.4)."""
    return _getrandbits(64) or 1
