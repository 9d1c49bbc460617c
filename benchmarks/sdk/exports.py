"""What came from each server at the one receiver of all: one that is silent would look as cheap as a bare one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from benchmarks.receivers.null import posted_to
from benchmarks.sdk.contenders import Contender
from benchmarks.sdk.running import TRANSPORTS, Transport

# OTLP, and Sentry's transactions.
_SPANS = ("/traces", "/envelope/")


def endpoint(contender: Contender, transport: Transport, port: int) -> str:
    """A path of each server's own, by which its exports are known."""
    return f"http://127.0.0.1:{port}{_path(contender, transport)}"


@contextmanager
def exports_required(contenders: Sequence[Contender], port: int) -> Generator[None]:
    """Raises SystemExit when one that records has exported no spans meanwhile, be it on one transport alone."""
    before = posted_to(port)
    yield
    after = posted_to(port)
    silent = [
        f"{each.name} ({transport})"
        for each in contenders
        for transport in TRANSPORTS
        if each.records and _spans(each, transport, after) == _spans(each, transport, before)
    ]
    if silent:
        raise SystemExit(f"no spans came from {', '.join(silent)}: what was measured is not recording")


def _spans(contender: Contender, transport: Transport, posted: dict[str, int]) -> int:
    return sum(
        times
        for path, times in posted.items()
        if path.startswith(f"{_path(contender, transport)}/") and path.endswith(_SPANS)
    )


def _path(contender: Contender, transport: Transport) -> str:
    return f"/{contender.name.replace(' ', '-')}-{transport}"
