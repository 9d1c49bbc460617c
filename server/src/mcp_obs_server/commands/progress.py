"""How far a verb is, for whoever watches it."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click


@contextmanager
def progress(label: str, size: int) -> Generator[Callable[[int], None]]:
    """A bar on a terminal's stderr and nothing elsewhere; call what is given with how much more is done."""
    with click.progressbar(length=size, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield bar.update
