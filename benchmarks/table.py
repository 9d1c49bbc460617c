"""Figures as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (_line(cells, widths) for cells in (header, ["-" * width for width in widths], *rows))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separated; a dash for what can't be measured."""
    return "-" if value is None else f"{value:,.{digits}f}"


@dataclass(frozen=True)
class Requirement:
    """A figure that must be reached: at least the limit, or at most."""

    what: str
    value: float
    limit: float
    is_least: bool
    digits: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the figure is on the right side of its limit."""
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def __str__(self) -> str:
        verdict = "reached" if self.is_met else "SHORT"
        sign = "≥" if self.is_least else "≤"
        value, limit = number(self.value, self.digits), number(self.limit, self.digits)
        return f"{verdict:<7}  {self.what}: {value} ({sign} {limit})"


def verdict(requirements: Sequence[Requirement]) -> int:
    """Print each; the exit status, 1 when one is missed."""
    for requirement in requirements:
        print(requirement)
    return 0 if all(requirement.is_met for requirement in requirements) else 1
