"""Whether the host samples the traces that begin with an operation of ours."""

from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from mcp_obs._guard import Guard

# None would be the current context, whose span need not be above.
_NOTHING_ABOVE = Context()

_asking = Guard("asking the host's sampler")


def host_sampler() -> Any | None:
    """That of the process's own provider; None where it has set none of opentelemetry-sdk.

    Where spans are private, those that the host makes inside a tool still go through its provider, whose sampler
    mostly goes by the flag of the span above.
    """
    try:
        # To ask for the provider is to make the one that the environment names, and reads that each time.
        return getattr(trace._TRACER_PROVIDER, "sampler", None)  # pyright: ignore[reportPrivateUsage]
    except Exception as error:  # noqa: BLE001  it is the host's
        _asking.swallow(error)
    return None


def samples(sampler: Any, trace_id: int, name: str, kind: SpanKind | None) -> bool:
    """Whether the host's sampler would sample a trace that begins so; True where it can't say."""
    try:
        return sampler.should_sample(_NOTHING_ABOVE, trace_id, name, kind, {}, ()).decision.is_sampled()
    except BaseException as error:  # noqa: BLE001  it is the host's; SystemExit would end the server
        _asking.swallow(error)
    return True
