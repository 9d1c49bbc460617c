"""Trace and span ids of our own random numbers."""

from random import Random

from mcp_obs._forked_child import call_in_children

# Apart from the host's: one that seeds the module's generator would get the same ids every time.
_random = Random()  # noqa: S311  ids need to differ, not to be secret

# A forked process would go on with its parent's numbers.
call_in_children(_random.seed)

getrandbits = _random.getrandbits


def new_trace_id() -> int:
    """16 bytes, not zero (W3C Trace Context, 3.2.2.3)."""
    return getrandbits(128) or 1


def new_span_id() -> int:
    """8 bytes, not zero (W3C Trace Context, 3.2.2.4)."""
    return getrandbits(64) or 1
