"""What the canary prints: a line a round, a table of what differs, a summary."""

from dataclasses import dataclass

import click

from mcp_obs.cli.output import print_table
from mcp_obs_server.commands.canary.rounds import Result

# A server that lost everything would fill the screen.
_MOST_ROWS = 20


def line(result: Result) -> str:
    """One round in a line."""
    written = f"round {result.number}: {result.spans} spans, {result.calls} calls of {result.target}"
    if not result.differences:
        return f"{written}: read back as written, all of it after {result.seconds:.1f} s"
    return f"{written}: {len(result.differences)} differences"


def show(result: Result) -> None:
    """Print a round and what differs."""
    click.echo(line(result))
    if result.differences:
        rows = [(each.where, each.what, each.written, each.read) for each in result.differences]
        print_table(("WHERE", "WHAT", "WRITTEN", "READ"), rows[:_MOST_ROWS])
        if len(rows) > _MOST_ROWS:
            click.echo(f"... and {len(rows) - _MOST_ROWS} more.")


@dataclass
class Summary:
    """All rounds together."""

    rounds: int = 0
    rounds_that_differ: int = 0
    spans: int = 0
    slowest_seconds: float = 0

    def add(self, result: Result) -> None:
        """Count one more."""
        self.rounds += 1
        self.rounds_that_differ += bool(result.differences)
        self.spans += result.spans
        self.slowest_seconds = max(self.slowest_seconds, result.seconds or 0)

    def __str__(self) -> str:
        equal = self.rounds - self.rounds_that_differ
        return (
            f"{equal} of {self.rounds} rounds read back as written ({self.spans} spans),"
            f" the slowest after {self.slowest_seconds:.1f} s"
        )
