"""What a host decides about privacy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import iscoroutinefunction

from mcp_obs._guard import WrongSettingError
from mcp_obs._privacy.ladder import read_rules
from mcp_obs._privacy.writer import Redact

DEFAULT_VALUE_BYTES = 8192
LEAST_VALUE_BYTES = 256
PRIVACY = "MCP_OBS_PRIVACY"


@dataclass(frozen=True)
class Privacy:
    """How much of tool calls is recorded, and what counts as a secret.

    Attributes:
        rules: A level for all tools, or for some: `redacted, pay_*=none, search:results=full`. The last rule that fits
            a tool counts, and `shape` where none does. None leaves it to MCP_OBS_PRIVACY.
        patterns: Regular expressions whose matches are redacted too.
        names: Names of arguments and fields whose values are redacted too, compared without case and punctuation.
        redact: Called with each text, number and boolean that is left, and with the path to it (the tool, `arguments`
            or `results`, names and indices); gives what is recorded in its place. When it raises, or gives what is no
            text, number, boolean or None, a marker is recorded. It must be quick: it runs in a thread of mcp-obs, where
            few operations can wait for it, but in the request's where the OpenTelemetry SDK records.
        max_value_bytes: The most that is recorded of one call's arguments, and of its result.
    """

    rules: str | None = None
    patterns: Sequence[str | re.Pattern[str]] = ()
    names: Sequence[str] = ()
    redact: Redact | None = None
    max_value_bytes: int = DEFAULT_VALUE_BYTES


DEFAULT_PRIVACY = Privacy(rules="shape")


def resolve_privacy(environ: Mapping[str, str], privacy: Privacy | str | None) -> Privacy:
    """What applies: the argument, then MCP_OBS_PRIVACY. Raises ValueError when it can't be applied."""
    settled = Privacy(rules=privacy) if isinstance(privacy, str) else privacy or Privacy()
    settled = replace(settled, rules=settled.rules or environ.get(PRIVACY) or "shape")
    read_rules(settled.rules or "")
    compiled(settled.patterns)
    if isinstance(settled.names, str):
        raise WrongSettingError("Privacy.names is a sequence of names, and not one text")
    if settled.max_value_bytes < LEAST_VALUE_BYTES:
        raise WrongSettingError(f"Privacy.max_value_bytes must be at least {LEAST_VALUE_BYTES}")
    if iscoroutinefunction(settled.redact):
        raise WrongSettingError("Privacy.redact can't be async: it is called where nothing can be awaited")
    return settled


def compiled(patterns: Sequence[str | re.Pattern[str]]) -> list[re.Pattern[str]]:
    """The patterns, ready for use; raises ValueError for one that is no regular expression or fits everything."""
    if isinstance(patterns, str):
        raise WrongSettingError("Privacy.patterns is a sequence of patterns, and not one text")
    return [_compiled(pattern) for pattern in patterns]


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    shown = pattern if isinstance(pattern, str) else pattern.pattern
    try:
        expression = re.compile(pattern)
        matches_nothing = expression.fullmatch("")
    except (re.error, TypeError) as error:  # a TypeError for a pattern of bytes
        raise WrongSettingError(
            f"The privacy pattern {shown!r} is no regular expression for text: {error}"
        ) from error
    if matches_nothing:
        raise WrongSettingError(
            f"The privacy pattern {shown!r} fits the empty text, so it would fit everywhere"
        )
    return expression
