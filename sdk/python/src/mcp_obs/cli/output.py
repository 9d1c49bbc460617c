"""What verbs print: tables for people, JSON for scripts."""

import json
from collections.abc import Sequence
from datetime import datetime

import click


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def print_json(value: object) -> None:
    """The value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def minute(timestamp: str | None) -> str:
    """An API's timestamp to the minute, in UTC; a dash for none."""
    return "-" if timestamp is None else f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M} UTC"
