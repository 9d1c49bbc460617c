"""What was found, for people."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_obs.cli.doctor.check import Check, Status

_STYLES: dict[Status, str] = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


def show(checks: Sequence[Check], console: Console) -> None:
    """A line for each check, what to do below it, and a summary."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(Text(check.status, _STYLES[check.status]), check.name, Text(check.found))
        if check.advice:
            table.add_row("", "", Text(f"→ {check.advice}"))
    console.print(table)
    console.print(summary(checks))


def summary(checks: Sequence[Check]) -> str:
    """One sentence."""
    count = Counter(check.status for check in checks)
    if not count["problem"] and not count["warning"]:
        return "Everything is as it should be."
    found = [
        f"{count[status]} {status}{'s' if count[status] > 1 else ''}"
        for status in ("problem", "warning")
        if count[status]
    ]
    return f"{' and '.join(found)}."
