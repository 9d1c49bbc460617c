"""What a server's own tests can say about its telemetry.

`capture()` keeps every span and metric point in memory as plain values; pytest's fixture `mcp_telemetry`
is one that lasts for a test. Ids count from 1 and the clock stands still, so whole values can be compared.
"""

from mcp_obs.testing._capture import Capture, capture
from mcp_obs.testing._clock import START_NANOSECONDS, HeldClock
from mcp_obs.testing._values import Distribution, Event, Link, Point, Span

__all__ = [
    "START_NANOSECONDS",
    "Capture",
    "Distribution",
    "Event",
    "HeldClock",
    "Link",
    "Point",
    "Span",
    "capture",
]
