"""What is recorded of the arguments and the result of an operation."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from mcp_obs import semconv
from mcp_obs._message import json_size
from mcp_obs._privacy.ladder import Direction, Ladder, Level, read_rules
from mcp_obs._privacy.redactor import LOOKAHEAD, Redactor
from mcp_obs._privacy.settings import Privacy, compiled
from mcp_obs._privacy.shapes import Shape, Shapes
from mcp_obs._privacy.writer import Written, write
from mcp_obs._text import LONGEST_TEXT

_OF_NO_TOOL: Level = "shape"
_NOTHING = "{}"


class Payloads:
    """Applies a host's decision; for any thread."""

    def __init__(self, privacy: Privacy) -> None:
        self._ladder = Ladder(read_rules(privacy.rules or ""))
        self._redactor = Redactor(compiled(privacy.patterns), privacy.names)
        self._shapes = Shapes(self._redactor)
        self._redacted = partial(
            write, most_bytes=privacy.max_value_bytes, redactor=self._redactor, hook=privacy.redact
        )
        self._full = partial(write, most_bytes=privacy.max_value_bytes, redactor=None, hook=None)

    def of_request(self, tool: str | None, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """The attributes of a request's params; `tool` is None for what is no tool call."""
        level = self._level(tool, "arguments")
        attributes: dict[str, Any] = {}
        if params is None or level == "none":
            return attributes
        _set(attributes, semconv.MCP_OBS_REQUEST_SIZE, json_size(params))
        arguments: Any = params.get("arguments")
        if tool is None or not isinstance(arguments, Mapping):
            return attributes
        given = cast("Mapping[str, Any]", arguments)
        _note_shape(attributes, semconv.MCP_OBS_REQUEST_SHAPE, self._shapes.of_arguments(given))
        self._note_value(
            attributes, semconv.GEN_AI_TOOL_CALL_ARGUMENTS, arguments, level, (tool, "arguments")
        )
        return attributes

    def of_result(self, tool: str | None, result: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes of a request's result as on the wire."""
        level = self._level(tool, "results")
        attributes: dict[str, Any] = {}
        if level == "none":
            return attributes
        _set(attributes, semconv.MCP_OBS_RESPONSE_SIZE, json_size(result))
        if tool is None:
            return attributes
        _note_shape(attributes, semconv.MCP_OBS_RESPONSE_SHAPE, self._shapes.of_result(result))
        if level in {"redacted", "full"}:
            said = {name: value for name, value in list(result.items()) if name != "_meta"}
            self._note_value(attributes, semconv.GEN_AI_TOOL_CALL_RESULT, said, level, (tool, "results"))
        return attributes

    def text(self, tool: str | None, text: str) -> str:
        """What may be recorded of a text about an operation: an exception's message, a resource's URI."""
        if self._level(tool, "results") == "full":
            return text
        return self._redactor.redact(text[: LONGEST_TEXT + LOOKAHEAD], LONGEST_TEXT).text

    def _level(self, tool: str | None, direction: Direction) -> Level:
        return self._ladder.level(tool, direction) if tool is not None else _OF_NO_TOOL

    def _note_value(
        self, attributes: dict[str, Any], name: str, value: Any, level: Level, path: tuple[str, ...]
    ) -> None:
        if level not in {"redacted", "full"}:
            return
        written: Written = (self._redacted if level == "redacted" else self._full)(value, path=path)
        attributes[name] = written.text
        if written.redacted:
            attributes[semconv.MCP_OBS_REDACTED] = written.redacted
        if written.failed:
            attributes[semconv.MCP_OBS_REDACTION_FAILED] = written.failed
        if written.is_cut:
            attributes[semconv.MCP_OBS_TRUNCATED] = [*attributes.get(semconv.MCP_OBS_TRUNCATED, ()), name]


def merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of the request and of the result together: what both count is added up."""
    both = {**before, **after}
    for name in (semconv.MCP_OBS_REDACTED, semconv.MCP_OBS_REDACTION_FAILED):
        if name in before and name in after:
            both[name] = before[name] + after[name]
    if semconv.MCP_OBS_TRUNCATED in before and semconv.MCP_OBS_TRUNCATED in after:
        both[semconv.MCP_OBS_TRUNCATED] = [
            *before[semconv.MCP_OBS_TRUNCATED],
            *after[semconv.MCP_OBS_TRUNCATED],
        ]
    return both


def _note_shape(attributes: dict[str, Any], name: str, shape: Shape) -> None:
    if shape.text != _NOTHING:
        attributes[name] = shape.text
    if shape.is_cut:
        attributes[semconv.MCP_OBS_TRUNCATED] = [name]


def _set(attributes: dict[str, Any], name: str, value: object | None) -> None:
    if value is not None:
        attributes[name] = value
