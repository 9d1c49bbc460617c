"""What came from each contender at the one receiver of all: one that is silent would look as cheap as a bare one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from benchmarks.receivers.null import posted_to
from benchmarks.sdk.contenders import Contender

# OTLP, and Sentry's transactions.
_SPANS = ("/traces", "/envelope/")


def endpoint(contender: Contender, port: int) -> str:
    """A path of its own, by which its exports are known."""
    return f"http://127.0.0.1:{port}{_path(contender)}"


@contextmanager
def exports_required(contenders: Sequence[Contender], port: int) -> Generator[None]:
    """Raises SystemExit when one that records has exported no spans meanwhile."""
    before = posted_to(port)
    yield
    after = posted_to(port)
    recording = [each for each in contenders if each.records]
    silent = [each.name for each in recording if _spans(each, after) == _spans(each, before)]
    if silent:
        raise SystemExit(f"no spans came from {', '.join(silent)}: what was measured is not recording")


def _spans(contender: Contender, posted: dict[str, int]) -> int:
    return sum(
        times
        for path, times in posted.items()
        if path.startswith(f"{_path(contender)}/") and path.endswith(_SPANS)
    )


def _path(contender: Contender) -> str:
    return f"/{contender.name.replace(' ', '-')}"
