"""How many connections there may be, so that files can still be opened."""

import resource

_MOST = 10_000


def connections_at_most(part: int) -> int:
    """A `part`-th of what the process may have open; the rest is for the engine's files and the spool's."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, soft // part)
