"""What is inside an operation waits until the operation has ended, and is kept with it or not."""

from collections.abc import Sequence

from opentelemetry.trace import StatusCode

from mcp_obs import semconv
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs.sampling import End, Sampler, Start, weight_at_end

# Of one operation that goes on, as a subscription may for days.
MOST_HELD = 1000


class EndDecision:
    """Decides on spans in the order in which they ended. For one thread."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.dropped = 0
        """Spans that could not wait because too many did."""

    def decided(self, span: LightSpan) -> Sequence[LightSpan]:
        """What is ready now that `span` has ended."""
        root = span.root or span
        if root.held is None:
            return (span,)
        if span.root is not None:
            if len(root.held) < MOST_HELD:
                root.held.append(span)
            else:
                self.dropped += 1
            return ()
        held, span.held = span.held or [], None
        span.weight = weight_at_end(self._sampler, _end_of(span))
        return (*held, span)


def _end_of(span: LightSpan) -> End:
    assert span.end_time is not None
    failed = span.status is not None and span.status.status_code is StatusCode.ERROR
    seconds = span.seconds if span.seconds is not None else (span.end_time - span.start_time) / 1e9
    start = Start(span.ids[0], span.name or "", span.parent)
    return End(
        start, failed or (span.ending is not None and span.ending.outcome == semconv.OUTCOME_ERROR), seconds
    )
