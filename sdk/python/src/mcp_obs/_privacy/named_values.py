"""Values in a text that stand behind a secret's name, as in configuration, a header, a repr or broken JSON."""

import re
from collections.abc import Iterator
from functools import cached_property

from mcp_obs._privacy.marks import CLOSING, Marks
from mcp_obs._privacy.secret_names import IsSecret
from mcp_obs._privacy.secret_shapes import Find, Found

# A name with what says that its value comes: `token=`, `"token": `, `\"token\":\"`. The name may be of two words; what
# Python writes before a value, as in `b'...'` or `Token(value='...')`, belongs to it.
_NAMED = re.compile(
    r"""(?<![\w.-])((?:[\w.-]++[ ])?[\w.-]++)\\*["']?\s*(?::|=>?|%3D)\s*"""
    r"""(?:[bru]{1,2}(?=\\*["'])|[A-Za-z_][\w.]*+(?=\((?:\w+=)?\\*["'({[]))?(\\*)(["']?)"""
)
_BARE = re.compile(r"[^\s,;&\"'<>)}\]\\]+")
_SCHEME = re.compile(
    rf"(?:bearer|basic|digest|token|apikey|negotiate)\s++(?={_BARE.pattern[:-1]})", re.IGNORECASE
)
_LINE = re.compile(r"[^\r\n]+")
# RFC 7616: many parts, of which several tell the password to who guesses it.
_DIGEST = re.compile(r"digest\s", re.IGNORECASE)


def named(is_secret: IsSecret) -> Find:
    """What finds the values behind such names."""

    def find(text: str) -> Iterator[Found]:
        if "=" in text or ":" in text or "%3D" in text:
            values = _Values(text)
            for match in _NAMED.finditer(text):
                if is_secret(match[1]):
                    end = values.end(match)
                    if end > match.end():
                        yield Found(match.end(), end, "secret")

    return find


class _Values:
    """Where the values of one text end.

    Names stand in values too, so that many values can go to one place: nothing is gone through for each of them.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._bracketed = 0
        self._runs: dict[re.Pattern[str], tuple[int, int]] = {}

    @cached_property
    def _marks(self) -> Marks:
        return Marks(self._text)

    def end(self, match: re.Match[str]) -> int:
        start, slashes, quote = match.end(), match[2], match[3]
        if quote:
            return self._marks.end_of_quoted(start, len(slashes), quote)
        if self._text[start : start + 1] in CLOSING:
            return self._end_of_bracketed(start)
        name = match[1].lower()
        if "cookie" in name or ("authorization" in name and _DIGEST.match(self._text, start)):
            return self._end_of_run(_LINE, start)
        scheme = _SCHEME.match(self._text, start)
        return self._end_of_run(_BARE, scheme.end() if scheme else start)

    def _end_of_bracketed(self, start: int) -> int:
        if start >= self._bracketed:
            self._bracketed = self._marks.end_of_bracketed(start)
        return self._bracketed

    def _end_of_run(self, pattern: re.Pattern[str], start: int) -> int:
        first, end = self._runs.get(pattern, (0, 0))
        if not first <= start < end:
            run = pattern.match(self._text, start)
            end = run.end() if run else start
            self._runs[pattern] = (start, end)
        return end
