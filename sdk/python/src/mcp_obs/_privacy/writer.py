"""Any value as JSON of bounded length, with or without its secrets."""

import math
from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutine
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

from mcp_obs._privacy.redactor import LOOKAHEAD, Redactor, marker
from mcp_obs._privacy.secret_names import LONGEST_NAME
from mcp_obs._text import clean

MOST_DEPTH = 32
# A member is begun when so many bytes are left for its value: the longest that stands for one that doesn't fit has 5.
_LEAST_ROOM = 16
# Secrets take little room, so that many long ones could be looked for in one value.
_MOST_LOOKED_AT = 2**18
_CUT = '"\u2026"'
_LONGEST_INTEGER_BITS = 1024
_FAILED = "[redaction failed]"
_MAY_BE_JSON = ("{", "[", '"')

Path = tuple[str, ...]
"""Tool, `arguments` or `results`, and the names and indices from there to the value."""
Redact = Callable[[Any, Path], object]
"""A host's own: gets a text, a number or a boolean, and gives what is recorded in its place."""


class Written(NamedTuple):
    """JSON; whether something was left out; how many values were redacted, and how many because that failed."""

    text: str
    is_cut: bool
    redacted: int
    failed: int


def write(
    value: object, most_bytes: int, redactor: Redactor | None, hook: Redact | None, path: Path
) -> Written:
    """`value` as JSON of at most `most_bytes`; without a redactor everything is written as it is."""
    writing = _Writing(most_bytes, redactor, hook)
    try:
        writing.value(value, path)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  a host's own classes may raise anything
        return Written(f'"{_FAILED}"', writing.is_cut, writing.redacted, writing.failed + 1)
    return Written("".join(writing.parts), writing.is_cut, writing.redacted, writing.failed)


class _Writing:
    """One value that is being written."""

    def __init__(self, room: int, redactor: Redactor | None, hook: Redact | None) -> None:
        self.parts: list[str] = []
        self.is_cut = False
        self.redacted = 0
        self.failed = 0
        self._room = room
        self._looked_at = 0
        self._redactor = redactor
        self._hook = hook
        self._above: set[int] = set()

    def value(self, value: Any, path: Path) -> None:
        if value is None:
            self._put("null")
        elif isinstance(value, bool | int | float):
            self._number(value, path)
        elif isinstance(value, str):
            self._text(str.__str__(value), path)
        elif isinstance(value, Mapping | list | tuple):
            self._container(cast("object", value), path)
        elif isinstance(value, bytes | bytearray | memoryview):
            self._quoted(f"[{len(cast('bytes', value))} bytes]")
        else:
            # Its own text may say anything.
            self._quoted(f"[{type(value).__qualname__}]")

    def _container(self, value: object, path: Path) -> None:
        identity = id(value)
        if identity in self._above:
            self._quoted("[cycle]")
        elif len(self._above) == MOST_DEPTH:
            self.is_cut = True
            self._quoted("[too deep]")
        else:
            self._above.add(identity)
            if isinstance(value, Mapping):
                self._object(cast("Mapping[Any, Any]", value), path)
            else:
                self._array(cast("Sequence[Any]", value), path)
            self._above.discard(identity)

    def _object(self, value: Mapping[Any, Any], path: Path) -> None:
        self._open("{")
        # A copy of as many as there is room for: whoever has the value may change it meanwhile.
        is_binary = self._redactor is not None and "mimeType" in value
        for place, (key, member) in enumerate(list(islice(value.items(), self._room))):
            name = _name(key)
            start = ("," if place else "") + _json(self._secretless(name, LONGEST_NAME)) + ":"
            if not self._begin(start):
                break
            if self._redactor is not None and self._redactor.is_secret_name(name):
                self._marker(marker("secret"))
            elif is_binary and name in {"data", "blob"} and isinstance(member, str):
                self._quoted(f"[{len(member)} characters of base64]")
            else:
                self.value(member, (*path, name))
        self.parts.append("}")

    def _array(self, value: Sequence[Any], path: Path) -> None:
        self._open("[")
        for place, member in enumerate(list(islice(value, self._room))):
            if not self._begin("," if place else ""):
                break
            self.value(member, (*path, str(place)))
        self.parts.append("]")

    def _number(self, value: float, path: Path) -> None:
        text = _digits(value)
        if self._redactor is not None:
            found = self._redactor.number(text)
            if found.secrets:
                self._marker(found.text)
                return
        if self._hook is not None:
            self._hooked(value, path)
        else:
            self._put(text)

    def _text(self, text: str, path: Path) -> None:
        if self._redactor is None:
            self._cut_to_room(text[: self._room], len(text) > self._room)
            return
        length, window = self._room, text[: self._room + LOOKAHEAD]
        self._looked_at += len(window)
        if self._is_json(window, len(text) > len(window), path):
            return
        found = self._redactor.redact(window, length)
        self.redacted += found.secrets
        if self._hook is not None:
            self.is_cut = self.is_cut or len(text) > length
            self._hooked(found.text, path)
        else:
            self._cut_to_room(found.text, len(text) > length)

    def _is_json(self, window: str, is_cut: bool, path: Path) -> bool:
        """Whether a text is an object or an array as JSON, or a text as such; it is written as what it says."""
        if not window.lstrip().startswith(_MAY_BE_JSON):
            return False
        try:
            value = from_json(window, allow_partial=is_cut)
        except ValueError:
            return False
        if not isinstance(value, dict | list | str) or len(self._above) >= MOST_DEPTH:
            return False
        inner = _Writing(self._room, self._redactor, self._hook)
        # What is around it counts for its depth too; it is no member of itself.
        inner._above = {*self._above, id(self)}
        inner.value(value, path)
        self.redacted += inner.redacted
        self.failed += inner.failed
        self._cut_to_room("".join(inner.parts), is_cut or inner.is_cut)
        return True

    def _hooked(self, value: Any, path: Path) -> None:
        assert self._hook is not None
        given = _FAILED if (answer := _ask(self._hook, value, path)) is None else answer[0]
        if answer is None:
            self.failed += 1
            self.redacted += 1
        elif given != value or type(given) is not type(value):
            self.redacted += 1
        if isinstance(given, str):
            self._cut_to_room(given, is_cut=False)
        else:
            self._put("null" if given is None else _digits(given))

    def _secretless(self, text: str, length: int) -> str:
        if self._redactor is None:
            self.is_cut = self.is_cut or len(text) > length
            return text[:length]
        found = self._redactor.redact(text[: length + LOOKAHEAD], length)
        self.redacted += found.secrets
        self.is_cut = self.is_cut or len(text) > length
        return found.text

    def _marker(self, text: str) -> None:
        self.redacted += 1
        self._quoted(text)

    def _quoted(self, text: str) -> None:
        self._put(_json(text))

    def _cut_to_room(self, text: str, is_cut: bool) -> None:
        """Write a text, or as much of it as there is room for."""
        quoted = _json(text + "\u2026" if is_cut else text)
        while text and (size := _size(quoted)) > self._room:
            is_cut = True
            # Escapes and characters of several bytes are not spread evenly, so it can take a few steps.
            text = text[: max(0, min(len(text) - 1, len(text) * (self._room - 8) // size))]
            quoted = _json(text + "\u2026")
        self.is_cut = self.is_cut or is_cut
        self._put(quoted)

    def _open(self, bracket: str) -> None:
        # The closing one has its place already.
        self._room -= 1
        self._put(bracket)

    def _begin(self, text: str) -> bool:
        """Whether there is room for a member that begins so."""
        if self._room < _size(text) + _LEAST_ROOM or self._looked_at > _MOST_LOOKED_AT:
            self.is_cut = True
            return False
        self._put(text)
        return True

    def _put(self, text: str) -> None:
        size = _size(text)
        if size > self._room:
            self.is_cut = True
            text, size = _CUT, _size(_CUT)
        self.parts.append(text)
        self._room -= size


def _ask(hook: Redact, value: Any, path: Path) -> tuple[Any] | None:
    """What a host's function gives; None when it raises or gives what is no JSON value."""
    try:
        given = hook(value, path)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  a host's own; SystemExit would end the thread that exports, or a request
        return None
    if iscoroutine(given):
        given.close()  # nobody awaits it
    return (given,) if given is None or type(given) in {str, int, float, bool} else None


def _name(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bool | int | float) or key is None:
        return _digits(key) if key is not None else "null"
    return f"[{type(key).__qualname__}]"


def _digits(value: float) -> str:
    """A number or a boolean as JSON has it; what JSON has no number for, or is too long for one, becomes text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        bits = int.bit_length(value)
        return int.__repr__(value) if bits <= _LONGEST_INTEGER_BITS else f'"[integer of {bits} bits]"'
    return float.__repr__(value) if math.isfinite(value) else f'"{float.__repr__(value)}"'


def _json(text: str) -> str:
    return clean(encode_basestring(text))


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
