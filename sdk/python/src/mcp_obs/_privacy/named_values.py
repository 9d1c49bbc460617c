"""Values in a text that stand behind a secret's name, as in configuration, a header, a repr or broken JSON."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from mcp_obs._privacy.marks import CLOSING, Marks
from mcp_obs._privacy.secret_names import IsSecret
from mcp_obs._privacy.secret_shapes import Find, Found

# A name with what says that its value comes: `token=`, `token :=`, `"token": `, `\"token\":\"`. The name may be of two
# words; what Python writes before a value, as in `b'...'` or `Token(value='...')`, belongs to it.
_NAMED = re.compile(
    r"""(?<![\w.-])((?:[\w.-]++[ ])?[\w.-]++)\\*["']?\s*(?::=?|=>?|%3D)\s*"""
    r"""(?:[bru]{1,2}(?=\\*["'])|[A-Za-z_][\w.]*+(?=\((?:\w+=)?\\*["'({[]))?(\\*)(["']?)"""
)
_BARE = re.compile(r"[^\s,;&\"'<>)}\]\\]+")
_SCHEME = re.compile(
    rf"(?:bearer|basic|digest|token|apikey|negotiate)\s++(?={_BARE.pattern[:-1]})", re.IGNORECASE
)
_LINE = re.compile(r"[^\r\n]+")
# RFC 7616: many parts, of which several tell the password to who guesses it.
_DIGEST = re.compile(r"digest\s", re.IGNORECASE)
# Of a text over lines, as Python and TOML have it.
_TRIPLE = re.compile(r"""(?<!\\)(\\*+["'])\1\1""")
# YAML 1.2, 8.1: such a text is all lines below that are indented more than its name.
_BLOCK = re.compile(r"[|>][-+\d]{0,2}[ \t]*+(?=[\r\n#])")
_BLOCK_LINE = re.compile(r"\r?\n([ \t]*+)([^\r\n]*+)")
_INDENTATION = re.compile(r"[ \t-]*+")


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
        self._block = 0
        self._runs: dict[re.Pattern[str], tuple[int, int]] = {}

    @cached_property
    def _marks(self) -> Marks:
        return Marks(self._text)

    @cached_property
    def _triples(self) -> dict[str, list[int]]:
        """Where three of the same quotation marks stand together."""
        triples = defaultdict[str, list[int]](list)
        for triple in _TRIPLE.finditer(self._text):
            triples[triple[1]].append(triple.start())
        return triples

    def end(self, match: re.Match[str]) -> int:
        start, slashes, quote = match.end(), match[2], match[3]
        if quote and self._text.startswith((slashes + quote) * 2, start):
            return self._end_of_triple(start, slashes + quote)
        if quote:
            return self._marks.end_of_quoted(start, len(slashes), quote)
        if _BLOCK.match(self._text, start):
            return self._end_of_block(match.start(), start)
        if self._text[start : start + 1] in CLOSING:
            return self._end_of_bracketed(start)
        name = match[1].lower()
        if "cookie" in name or ("authorization" in name and _DIGEST.match(self._text, start)):
            return self._end_of_run(_LINE, start)
        scheme = _SCHEME.match(self._text, start)
        return self._end_of_run(_BARE, scheme.end() if scheme else start)

    def _end_of_triple(self, start: int, quote: str) -> int:
        places = self._triples.get(quote, [])
        following = bisect_left(places, start)
        return places[following] if following < len(places) else len(self._text)

    def _end_of_block(self, name: int, start: int) -> int:
        # One in another ends before it does.
        if start >= self._block:
            line = self._text.rfind("\n", 0, name) + 1
            indentation = _INDENTATION.match(self._text, line)
            most = len(indentation[0]) if indentation else 0
            end = self._end_of_run(_LINE, start)
            while (below := _BLOCK_LINE.match(self._text, end)) and (not below[2] or len(below[1]) > most):
                end = below.end()
            self._block = end
        return self._block

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
