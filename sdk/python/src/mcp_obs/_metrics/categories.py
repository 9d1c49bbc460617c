"""Which metrics are wanted."""

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from mcp_obs._exporters.choice import asks_for_metrics
from mcp_obs._guard import WrongSettingError

Category = Literal["session", "performance", "usage"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
ALL: frozenset[Category] = frozenset(CATEGORIES)
NONE: frozenset[Category] = frozenset()

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off", "none"})


def resolve(
    environ: Mapping[str, str], argument: bool | Collection[str] | None = None
) -> frozenset[Category]:
    """The wanted categories: the argument's, those of MCP_OBS_METRICS, or all where OTEL_METRICS_EXPORTER wants any.

    Raises ValueError for a category that there is not.
    """
    if argument is not None:
        return _of(argument) if isinstance(argument, bool) else _named(argument, "metrics")
    text = environ.get("MCP_OBS_METRICS", "").strip().lower()
    if text in _YES or text in _NO:
        return _of(text in _YES)
    if text:
        return _named(text.split(","), "MCP_OBS_METRICS")
    return _of(asks_for_metrics(environ))


def _of(wanted: bool) -> frozenset[Category]:
    return ALL if wanted else NONE


def _named(names: Collection[str], place: str) -> frozenset[Category]:
    # A text is a collection too, and the likeliest mistake.
    wanted = {name.strip() for name in (names.split(",") if isinstance(names, str) else names)}
    unknown = sorted(wanted - ALL)
    if unknown:
        raise WrongSettingError(f"{place} knows {', '.join(CATEGORIES)}, and {unknown[0]!r} is none of them")
    return frozenset(category for category in CATEGORIES if category in wanted)
