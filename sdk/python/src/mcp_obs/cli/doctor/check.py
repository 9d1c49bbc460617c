"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem", "skipped"]
"""`skipped` is what can't be known, for the reason that is given."""


@dataclass(frozen=True)
class Check:
    """What was found, and what to do about it."""

    name: str
    status: Status
    found: str
    advice: str = ""


def worst(name: str, found: str, troubles: list[Check]) -> list[Check]:
    """What was found where nothing is wrong, or everything that is."""
    return troubles or [Check(name, "ok", found)]
