"""Quotation marks and brackets in a text that need not be JSON as a whole."""

import re
from bisect import bisect_left
from collections import defaultdict

# A quotation mark with all backslashes before it, or a bracket; within a word it is an apostrophe, as in `it's`.
_MARK = re.compile(r"""(?<!\\)(\\*+)("|'(?<![A-Za-z]{2}')|'(?![A-Za-z]))|[][{}()]""")
CLOSING = {"{": "}", "[": "]", "(": ")"}


class Marks:
    """Where what they open in a text ends: at its end when nothing closes it."""

    def __init__(self, text: str) -> None:
        self._end = len(text)
        self._marks = list(_MARK.finditer(text))
        self._starts = [mark.start() for mark in self._marks]
        self._closing = self._closing_quotes()

    def end_of_quoted(self, start: int, slashes: int, quote: str) -> int:
        """Before the quotation mark that is escaped as the one before `start` is."""
        place = self._closing_quote(bisect_left(self._starts, start), slashes, quote)
        return self._end if place is None else self._marks[place].end() - len(quote) - slashes

    def end_of_bracketed(self, start: int) -> int:
        """Behind the bracket that closes the one at `start`; those in quotation marks are text."""
        place: int | None = bisect_left(self._starts, start)
        opening, depth = self._marks[place][0], 0
        while place is not None and place < len(self._marks):
            mark = self._marks[place]
            if mark[2]:
                place = self._closing_quote(place + 1, len(mark[1]), mark[2])
            else:
                depth += (mark[0] == opening) - (mark[0] == CLOSING[opening])
            if depth == 0:
                return mark.end()
            place = None if place is None else place + 1
        return self._end

    def _closing_quotes(self) -> dict[tuple[int, str], list[int]]:
        """Which marks close what so many backslashes and a quotation mark begin."""
        closing = defaultdict[tuple[int, str], list[int]](list)
        for place, mark in enumerate(self._marks):
            if mark[2]:
                slashes = len(mark[1])
                # At JSON's depth d a quotation mark has 2^d - 1 backslashes, and a backslash before it 2^(d+1) more.
                for begun in {slashes, (slashes ^ (slashes + 1)) // 2}:
                    closing[begun, mark[2]].append(place)
        return closing

    def _closing_quote(self, place: int, slashes: int, quote: str) -> int | None:
        places = self._closing.get((slashes, quote), [])
        following = bisect_left(places, place)
        return places[following] if following < len(places) else None
