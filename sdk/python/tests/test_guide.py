"""The guide's tables say what the code does."""

import re
from collections.abc import Iterator
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import get_args

import mcp_obs
from mcp_obs import sampling, semconv
from mcp_obs._configuration import DEFAULT_ENDPOINT
from mcp_obs._exporters.choice import Exporter
from mcp_obs._metrics.categories import CATEGORIES
from mcp_obs._metrics.exporter import EXPORT_SECONDS
from mcp_obs._privacy.ladder import DEFAULT_LEVEL, LEVELS
from mcp_obs._privacy.settings import DEFAULT_VALUE_BYTES, LEAST_VALUE_BYTES
from mcp_obs._sessions import IDLE_NANOSECONDS, MOST_GUESSES
from mcp_obs._users import LEAST_KEY_CHARACTERS

GUIDE = Path(__file__).parents[3] / "docs" / "guide"
CONFIGURATION = (GUIDE / "sdk-configuration.md").read_text()
PRIVACY = (GUIDE / "privacy.md").read_text()
USERS_AND_SESSIONS = (GUIDE / "users-and-sessions.md").read_text()
SOURCE = Path(mcp_obs.__file__).parent
# The command gives it to the program that it observes.
INTERNAL = {"MCP_OBS_DOCTOR_FILE"}


def rows(page: str, heading: str) -> dict[str, str]:
    """The rows of the first table whose heading begins so, by the word in their first cell."""
    _, found, table = page.partition(f"| {heading} |")
    assert found, heading
    lines = table.partition("\n\n")[0].splitlines()[2:]
    return {line.split("|")[1].strip().strip("`"): line for line in lines}


def variables_in_the_code() -> Iterator[str]:
    """Every variable that the SDK names in its code."""
    for path in SOURCE.rglob("*.py"):
        if path.name != "semconv.py":
            yield from re.findall(r'"((?:MCP_OBS|OTEL)_[A-Z_]+|DO_NOT_TRACK)"', path.read_text())


def test_every_argument_and_its_default_is_in_the_table_and_no_other():
    table = rows(CONFIGURATION, "argument")
    assert set(table) == set(signature(mcp_obs.configure_mcp_telemetry).parameters)
    assert f"| `{DEFAULT_ENDPOINT}` |" in table["endpoint"]
    assert f"| `{DEFAULT_LEVEL}` |" in table["privacy"]
    assert f"at least {LEAST_KEY_CHARACTERS} characters" in table["user_id_key"]
    assert all(f"`{name}`" in table["exporter"] for name in get_args(Exporter))
    assert all(f"`{category}`" in table["metrics"] for category in CATEGORIES)


def test_every_variable_that_the_code_names_is_in_the_page_and_every_one_of_ours_there_is_read():
    read = set(variables_in_the_code()) - INTERNAL
    shown = set(re.findall(r"(?:MCP_OBS|OTEL)_[A-Z_]+|DO_NOT_TRACK", CONFIGURATION))
    of_a_family = {name for name in read if any(name.startswith(one) for one in shown if one.endswith("_"))}
    assert read - of_a_family - shown == set()
    assert {name for name in shown if name.startswith("MCP_OBS")} == {
        name for name in read if name.startswith("MCP_OBS")
    }


def test_privacy_s_fields_limits_and_levels_are_in_the_tables():
    _, _, below = CONFIGURATION.partition("## Privacy")
    table = rows(below, "argument")
    assert list(table) == [field.name for field in fields(mcp_obs.Privacy)]
    assert f"| `{DEFAULT_VALUE_BYTES}` |" in table["max_value_bytes"]
    assert f"at least {LEAST_VALUE_BYTES}." in table["max_value_bytes"]
    assert f"{DEFAULT_VALUE_BYTES // 1024} KiB" in PRIVACY
    assert [name.partition("`")[0] for name in rows(PRIVACY, "level")] == list(LEVELS)


def test_every_sampler_is_in_the_table_as_it_is_written():
    shown = [
        name
        for cell in rows(CONFIGURATION, "`sampler`, or `MCP_OBS_SAMPLER`")
        for name in re.split(r"`?, `", cell)
    ]
    assert {type(sampling.parse(name)) for name in shown} == {
        kind
        for kind in vars(sampling).values()
        if isinstance(kind, type) and issubclass(kind, sampling.Sampler) and kind is not sampling.Sampler
    }


def test_intervals_and_limits_are_those_of_the_code():
    assert f"{EXPORT_SECONDS * 1000:,.0f} when not set" in CONFIGURATION
    assert f"a pause of {IDLE_NANOSECONDS / 60e9:.0f} minutes" in USERS_AND_SESSIONS
    assert f"remembers {MOST_GUESSES:,} of them" in USERS_AND_SESSIONS
    assert list(rows(USERS_AND_SESSIONS, "source")) == list(get_args(semconv.SessionSource))
