"""The few forms of statement that the schema is written in, read into their parts."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_COMMENTS = re.compile(r"\s*(--[^\n]*\s*)*")
_CREATE_TABLE = re.compile(
    r"CREATE TABLE (IF NOT EXISTS )?(?P<name>\w+)\s+(AS (?P<like>\w+)|(?P<columns>\(.*\)))"
    r"\s+ENGINE = (?P<engine>\w+)\b(?P<clauses>.*)",
    re.DOTALL,
)
_CREATE_MATERIALIZED_VIEW = re.compile(
    r"CREATE MATERIALIZED VIEW (?P<name>\w+) TO (?P<target>\w+) AS\s(?P<select>.*)", re.DOTALL
)
_CREATE_VIEW = re.compile(r"CREATE (OR REPLACE )?VIEW (?P<name>\w+) AS\s(?P<select>.*)", re.DOTALL)
_ALTER_TABLE = re.compile(r"ALTER TABLE (?P<name>\w+)\s(?P<change>.*)", re.DOTALL)

# A string or a comment may say the same words as a statement.
STRING_OR_COMMENT = r"'(?:[^'\\]|\\.)*'|--[^\n]*"

# A table stands behind FROM or JOIN, and a function has a parenthesis.
_TABLE = re.compile(
    rf"{STRING_OR_COMMENT}|\b(?P<before>(?:FROM|JOIN)\s+)(?P<table>\w+)\b(?!\s*[(.])", re.IGNORECASE
)


@dataclass(frozen=True)
class CreateTable:
    """`columns` with their parentheses, or the table that this one is `like`; `clauses` are what follows the engine."""

    name: str
    like: str | None
    columns: str | None
    engine: str
    clauses: str


@dataclass(frozen=True)
class CreateMaterializedView:
    """A view that writes what it selects into its target."""

    name: str
    target: str
    select: str


@dataclass(frozen=True)
class CreateView:
    """A view that is only read."""

    name: str
    select: str


@dataclass(frozen=True)
class AlterTable:
    """One change of one table."""

    name: str
    change: str


Statement = CreateTable | CreateMaterializedView | CreateView | AlterTable

_FORMS: list[tuple[re.Pattern[str], type[Statement]]] = [
    (_CREATE_TABLE, CreateTable),
    (_CREATE_MATERIALIZED_VIEW, CreateMaterializedView),
    (_CREATE_VIEW, CreateView),
    (_ALTER_TABLE, AlterTable),
]


def parse(sql: str) -> Statement:
    """The parts of a statement. Raises ValueError for one of another form."""
    statement = _COMMENTS.sub("", sql, count=1).strip()
    for pattern, form in _FORMS:
        if match := pattern.fullmatch(statement):
            return form(**match.groupdict())
    raise ValueError(f"The schema has no statement of this form: {statement[:80]}")


def rename_tables(select: str, rename: Callable[[str], str]) -> str:
    """A query with other names for the tables that it reads."""

    def renamed(match: re.Match[str]) -> str:
        return match["before"] + rename(match["table"]) if match["table"] else match[0]

    return _TABLE.sub(renamed, select)
