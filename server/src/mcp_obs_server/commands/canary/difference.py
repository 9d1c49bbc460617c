"""What was read is not what was written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One value, on both sides."""

    where: str
    what: str
    written: str
    read: str
