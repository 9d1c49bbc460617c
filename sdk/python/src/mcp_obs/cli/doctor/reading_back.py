"""Whether what was acknowledged can be read: mcp-obs tells that to whoever has sent it."""

import time
from collections.abc import Callable
from http import HTTPStatus

import requests

from mcp_obs._message import mapping_or_empty
from mcp_obs.cli.doctor.check import Check
from mcp_obs.cli.doctor.kept import Export

# What is sent is on the dashboard within ten seconds, on a machine that is busy too.
_WITHIN_SECONDS = 15.0
_PAUSE_SECONDS = 0.25
_SECONDS = 10.0
_TRACES = "/v1/traces"


def of_reading_back(
    export: Export,
    within: float = _WITHIN_SECONDS,
    timer: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Check:
    """Ask for the last trace of an export that was acknowledged, until all its spans are there."""
    trace_id = list(export.spans())[-1].trace_id
    wanted = sum(span.trace_id == trace_id for span in export.spans())
    if not export.url.endswith(_TRACES):
        return _not_told(trace_id)
    url = f"{export.url.removesuffix(_TRACES)}/api/received/{trace_id.hex()}"
    began = timer()
    while True:
        spans = _spans(url, export)
        if spans is None:
            return _not_told(trace_id)
        took = timer() - began
        if spans >= wanted:
            return Check("read back", "ok", f"The trace {trace_id.hex()} could be read after {took:.1f} s")
        if took > within:
            return Check(
                "read back",
                "problem",
                f"{spans} of {wanted} spans of the trace {trace_id.hex()} can be read after {took:.0f} s.",
                "They are acknowledged, so they are safe; the server's store is behind: see its /readyz and its log.",
            )
        wait(_PAUSE_SECONDS)


def _spans(url: str, export: Export) -> int | None:
    """How many are stored; None when nobody says."""
    try:
        answer = requests.get(
            url,
            headers={"authorization": export.header("authorization")},
            timeout=_SECONDS,
            allow_redirects=False,
        )
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return 0  # its store can't answer now
        found: object = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        return None
    spans = mapping_or_empty(found).get("spans")
    return spans if isinstance(spans, int) else None


def _not_told(trace_id: bytes) -> Check:
    return Check(
        "read back",
        "skipped",
        "This collector does not tell a sender what it has stored.",
        f"Look for the trace {trace_id.hex()} where it shows them.",
    )
