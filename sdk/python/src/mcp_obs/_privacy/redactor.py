"""Replaces secrets in texts."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mcp_obs._privacy import secret_shapes
from mcp_obs._privacy.named_values import named
from mcp_obs._privacy.secret_names import IsSecret, secret_names
from mcp_obs._privacy.secret_shapes import Find, Found

# A secret that is cut off where a text is cut must still be seen whole; keys are some hundred characters.
LOOKAHEAD = 4096
# In a text that is not parsed, a character may be written as an escape: U+0020 to U+007F, in JSON of any depth.
_ESCAPE = re.compile(r"(?<!\\)\\++u00([2-7][0-9A-Fa-f])")


class Redacted(NamedTuple):
    """A text without secrets, and how many it had."""

    text: str
    secrets: int


class Redactor:
    """Knows the shapes and the names of secrets, and what the host has added to them; for any thread."""

    def __init__(self, patterns: Sequence[re.Pattern[str]] = (), names: Iterable[str] = ()) -> None:
        self.is_secret_name: IsSecret = secret_names(names)
        self._patterns = patterns
        self._finds: tuple[Find, ...] = (
            secret_shapes.private_keys,
            secret_shapes.keys,
            secret_shapes.authorizations,
            secret_shapes.passwords_in_urls,
            named(self.is_secret_name),
            secret_shapes.emails,
            secret_shapes.cards,
        )

    def text(self, text: str) -> str:
        """A text without the secrets in it."""
        return self.redact(text, len(text)).text

    def redact(self, text: str, length: int) -> Redacted:
        """The first `length` characters of a text without secrets; the rest tells where the last one ends."""
        if "\\u00" in text:
            text, length = _unescaped(text, length)
        found = sorted(self._found(text))
        kept, place, count = list[str](), 0, 0
        for start, end, kind in found:
            if start >= length:
                break
            if start >= place:
                kept += (text[place:start], marker(kind))
                count += 1
            place = max(place, end)
        kept.append(text[place:length])
        return Redacted("".join(kept), count)

    def number(self, digits: str) -> Redacted:
        """A number without what is a secret as a whole or in part."""
        # Few numbers are long enough for a card's.
        if len(digits) < 13 and not self._patterns:
            return Redacted(digits, 0)
        found = [*secret_shapes.cards(digits), *self._by_patterns(digits)]
        return Redacted(marker(found[0].kind), 1) if found else Redacted(digits, 0)

    def _found(self, text: str) -> Iterable[Found]:
        for find in self._finds:
            yield from find(text)
        yield from self._by_patterns(text)

    def _by_patterns(self, text: str) -> Iterable[Found]:
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                if match.end() > match.start():
                    yield Found(match.start(), match.end(), "pattern")


def marker(kind: str) -> str:
    """What stands in the place of a secret."""
    return f"[redacted {kind}]"


def _unescaped(text: str, length: int) -> tuple[str, int]:
    head, tail = (_ESCAPE.sub(_character, part) for part in (text[:length], text[length:]))
    return head + tail, len(head)


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))
