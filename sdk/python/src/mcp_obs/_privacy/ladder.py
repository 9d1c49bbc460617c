"""How much of which tool's arguments and results is recorded."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, cast, get_args

from mcp_obs._guard import WrongSettingError

Level = Literal["none", "shape", "redacted", "full"]
"""None of it; names, types and sizes; values without secrets; everything."""
Direction = Literal["arguments", "results"]
LEVELS: tuple[Level, ...] = get_args(Level)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
DEFAULT_LEVEL: Level = "shape"
# A client may call any number of tools that there are not.
_MOST_REMEMBERED = 1024


class Rule(NamedTuple):
    """The level of the tools whose name fits the pattern, in these directions."""

    tools: str
    directions: tuple[Direction, ...]
    level: Level


class Ladder:
    """The level of each tool; the last rule that fits it counts."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._known: dict[tuple[str, Direction], Level] = {}

    def level(self, tool: str, direction: Direction) -> Level:
        """What is recorded of a tool's arguments or results."""
        level = self._known.get((tool, direction))
        if level is None:
            level = self._decide(tool, direction)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[tool, direction] = level
        return level

    def _decide(self, tool: str, direction: Direction) -> Level:
        for rule in reversed(self._rules):
            if direction in rule.directions and fnmatchcase(tool, rule.tools):
                return rule.level
        return DEFAULT_LEVEL


def read_rules(text: str) -> list[Rule]:
    """The rules that a setting states, such as `redacted, pay_*=none, search:results=full`.

    Raises ValueError when one is not `level`, `tools=level`, `tools:arguments=level` or `tools:results=level`.
    """
    return [_read_rule(part) for part in _parts(text)]


def _parts(text: str) -> Iterator[str]:
    return filter(None, (part.strip() for part in re.split(r"[,\n]", text)))


def _read_rule(part: str) -> Rule:
    subject, equals, level = (each.strip() for each in part.rpartition("="))
    tools, colon, direction = subject.partition(":")
    if level not in LEVELS:
        raise WrongSettingError(f"The privacy level in {part!r} is not one of {', '.join(LEVELS)}")
    if bool(equals) != bool(tools) or (colon and direction not in DIRECTIONS):
        raise WrongSettingError(
            f"The privacy rule {part!r} is none: write a level alone, or tools=level, tools:arguments=level"
            " or tools:results=level, where * in tools stands for anything"
        )
    directions = (cast("Direction", direction),) if colon else DIRECTIONS
    return Rule(tools or "*", directions, level)
