"""What arguments and results look like, without what they say."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple, cast

from pydantic_core import to_json

from mcp_obs._message import PLAIN, mapping_or_empty
from mcp_obs._privacy.redactor import Redactor
from mcp_obs._text import clean

MOST_NAMES = 32
LONGEST_NAME = 64
# A secret is known by more than where a name is cut.
_LOOKED_AT = 512
_MOST_REMEMBERED = 1024
_LONGEST_REMEMBERED = 512
_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
_STRUCTURED = "structuredContent"


class Shape(NamedTuple):
    """A JSON object of names and types; whether there are more names than it has."""

    text: str
    is_cut: bool


class Shapes:
    """Describes arguments and results; for any thread.

    Only the names on the top are told, which the tool's own schema has. A client may send others: those that are
    secrets are redacted.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[tuple[tuple[str, str], ...], Shape] = {}

    def of_arguments(self, arguments: Mapping[str, Any]) -> Shape:
        """The names and types of a call's arguments."""
        # A copy in one step: the handler may have them in its hands.
        items = list(arguments.items())
        named = tuple((str(name)[:_LOOKED_AT], kind_of(value)) for name, value in islice(items, MOST_NAMES))
        shape = self._known.get(named)
        if shape is None:
            shape = self._describe(named)
            self._remember(named, shape)
        return Shape(shape.text, is_cut=True) if len(items) > MOST_NAMES else shape

    def of_result(self, result: Mapping[str, Any]) -> Shape:
        """The types of a result's content blocks, each once, and the type of its structured content."""
        shape: dict[str, Any] = {}
        content = result.get("content")
        if isinstance(content, list):
            blocks = cast("list[Any]", content)
            shape["content"] = list(dict.fromkeys(block_type(block) for block in islice(blocks, MOST_NAMES)))
        if result.get(_STRUCTURED) is not None:
            shape[_STRUCTURED] = kind_of(result[_STRUCTURED])
        return Shape(to_json(shape).decode(), is_cut=False)

    def _remember(self, named: tuple[tuple[str, str], ...], shape: Shape) -> None:
        if sum(len(name) for name, _ in named) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[named] = shape

    def _describe(self, named: tuple[tuple[str, str], ...]) -> Shape:
        is_cut = any(len(name) > LONGEST_NAME for name, _ in named)
        texts = {self._redactor.text(name)[:LONGEST_NAME]: kind for name, kind in named}
        return Shape(to_json({clean(name): kind for name, kind in texts.items()}).decode(), is_cut)


def kind_of(value: Any) -> str:
    """JSON's word for a value's type."""
    return _TYPES.get(value.__class__, "other")


# MCP's own content types (ContentBlock of 2025-11-25 and after); a server may send any word.
BLOCKS = frozenset({"text", "image", "audio", "resource", "resource_link"})


def block_type(block: Any) -> str:
    """What kind a content block is of."""
    kind = (block if type(block) is PLAIN else mapping_or_empty(block)).get("type")
    return kind if isinstance(kind, str) and kind in BLOCKS else "other"
