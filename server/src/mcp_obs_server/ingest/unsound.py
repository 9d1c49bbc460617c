"""Taking out of an export what can't be kept, counted by reason."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Window

Check = Callable[[Any, Window], bool]
"""Whether an item can't be kept."""


def remove_unsound(
    items: Any, checks: Mapping[Reason, Check], window: Window, rejected: Counter[Reason]
) -> int:
    """Take out of a repeated field what fails a check, count it by the first check failed; how many are left."""
    reasons = [_first_failed(item, checks, window) for item in items]
    failed = list(filter(None, reasons))
    if failed:
        rejected.update(failed)
        sound = [item for item, reason in zip(items, reasons, strict=True) if reason is None]
        del items[:]
        items.extend(sound)
    return len(items)


def _first_failed(item: Any, checks: Mapping[Reason, Check], window: Window) -> Reason | None:
    return next((reason for reason, fails in checks.items() if fails(item, window)), None)
