"""What secrets look like in a text: keys and tokens of well-known vendors, cards, addresses."""

import base64
import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple


class Found(NamedTuple):
    """A secret, from a place to before another."""

    start: int
    end: int
    kind: str


Find = Callable[[str], Iterator[Found]]

# No letter or digit before it; what looks like one can be the end of an escape, as in `\nsk-...`.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))"
_VENDORS = (
    r"mcpobs_[a-z]+_[0-9A-Za-z]{8,}",
    r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[0-9A-Z]{16}",  # AWS
    r"gh[pousr]_[0-9A-Za-z]{20,}",  # GitHub
    r"github_pat_[0-9A-Za-z_]{20,}",
    r"gl(?:pat|ptt|dt|rt|ft|soat|agent|cbt|imt|oas)-[\w-]{16,}",  # GitLab
    r"xox[abceoprs]-[0-9A-Za-z-]{10,}",  # Slack
    r"xapp-[0-9A-Za-z-]{10,}",
    r"hooks\.slack\.com/services/[\w/]{16,}",
    r"AIza[\w-]{30,}",  # Google
    r"ya29\.[\w.-]{16,}",
    r"GOCSPX-[\w-]{16,}",
    r"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}",  # Stripe
    r"whsec_[\w+/=]{16,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"npm_[0-9A-Za-z]{20,}",
    r"pypi-[\w-]{16,}",
    r"hf_[0-9A-Za-z]{16,}",  # Hugging Face
    r"do[oprt]_v1_[0-9a-f]{32,}",  # DigitalOcean
    r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}",  # Shopify
    r"dapi[0-9a-f]{32}",  # Databricks
    r"(?:gsk|sbp|ntn|glsa|lin_api|r8|sntrys|sntryu|pul|rubygems|dckr_pat|dp\.pt)_?[\w.-]{20,}",
    r"(?:xai|pplx|tvly|NRAK|PMAK|nvapi|sq0csp|EAAA)-?[\w-]{20,}",
    r"hv[sb]\.[\w-]{16,}",  # HashiCorp Vault
    r"ATATT3[\w=-]{20,}",  # Atlassian
    r"AGE-SECRET-KEY-1[0-9A-Z]{16,}",
)
_VENDORS_AFTER_BORDER = (
    r"sk-[\w-]{16,}",  # OpenAI, Anthropic and others
    r"(?:SK|AC)[0-9a-f]{32}",  # Twilio
    r"key-[0-9a-f]{32}",  # Mailgun
    r"[0-9a-f]{32}-us\d{1,2}(?!\d)",  # Mailchimp
    r"\d{8,10}:[\w-]{35}",  # Telegram
    r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",  # Discord
)
_KEY = re.compile(rf"{'|'.join(_VENDORS)}|{_START}(?:{'|'.join(_VENDORS_AFTER_BORDER)})", re.ASCII)
# JSON Web Token or Encryption; from the first `eyJ` of a word, as there is no dot behind a later one either.
_JWT = re.compile(r"(?<![\w-])(?>[\w-]*?(?=eyJ))([\w-]{11,}+\.[\w-]{8,}(?:\.[\w-]*){0,3})", re.ASCII)
# Every key has a part like this, and few texts have.
_LONG_WORD = re.compile(r"[\w.:/+=-]{14}", re.ASCII)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [0-9A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]*?-----END [0-9A-Z ]*PRIVATE KEY(?: BLOCK)?-----|[\s\S]*\Z)"
)
_SCHEME = re.compile(r"(bearer|basic)(?:\s|\\[nrt]|%20|\+)+([\w.~+/=-]{8,})", re.IGNORECASE | re.ASCII)
_USER_INFO = re.compile(r":(?:\\?/){2}([^\s/?#\"'<>@:]*:[^\s/?#\"'<>]*)@")
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]+?(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_DIGITS = re.compile(r"\d(?:[ .\u00a0-]?\d){12,}", re.ASCII)
# Of the networks that there are: Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro.
_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14,17}|6\d{12,18}|5[06-8]\d{11,17}",
    re.ASCII,
)
_GROUP = re.compile(r"\d+", re.ASCII)
_SHORTEST_CARD, _LONGEST_CARD = 13, 19


def keys(text: str) -> Iterator[Found]:
    """Keys and tokens that say what they are."""
    if _LONG_WORD.search(text):
        for match in _KEY.finditer(text):
            yield Found(match.start(), match.end(), "key")
        if "eyJ" in text:
            for match in _JWT.finditer(text):
                yield Found(match.start(1), match.end(), "key")


def private_keys(text: str) -> Iterator[Found]:
    """PEM, to its end or that of the text."""
    if "-----BEGIN" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield Found(match.start(), match.end(), "private key")


def authorizations(text: str) -> Iterator[Found]:
    """What follows `Bearer` or `Basic`."""
    for match in _SCHEME.finditer(text):
        if match[1].lower() == "bearer" or _is_basic(match[2]):
            yield Found(match.start(2), match.end(), "token")


def _is_basic(credentials: str) -> bool:
    # RFC 7617: base64 of user:password, which no word of a sentence is.
    try:
        return b":" in base64.b64decode(credentials + "=" * (-len(credentials) % 4))
    except (binascii.Error, ValueError):
        return False


def passwords_in_urls(text: str) -> Iterator[Found]:
    """`user:password` before the host."""
    if ":" in text and "@" in text:
        for match in _USER_INFO.finditer(text):
            yield Found(match.start(1), match.end(1), "password")


def emails(text: str) -> Iterator[Found]:
    """E-mail addresses."""
    if "@" in text or "%40" in text:
        for match in _EMAIL.finditer(text):
            yield Found(match.start(), match.end(), "email")


def cards(text: str) -> Iterator[Found]:
    """Card numbers, their digits in groups or not."""
    for run in _DIGITS.finditer(text):
        yield from _cards_of_run(text, run)


def _cards_of_run(text: str, run: re.Match[str]) -> Iterator[Found]:
    """The longest number that begins with each group of digits and ends with one."""
    groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
    digits = "".join(text[start:end] for start, end in groups)
    places = [0, *accumulate(end - start for start, end in groups)]
    sums = _luhn_sums(digits)
    for first, (start, _) in enumerate(groups):
        shortest = bisect_left(places, places[first] + _SHORTEST_CARD, first)
        longest = bisect_right(places, places[first] + _LONGEST_CARD, first) - 1
        for last in range(longest, shortest - 1, -1):
            number = places[first], places[last]
            if _is_luhn(sums, *number) and _CARD.fullmatch(digits, *number):
                yield Found(start, groups[last - 1][1], "card")
                break


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """What the digits before each place come to (ISO/IEC 7812-1, annex B) in a number of even or of odd end."""
    plain = [int(digit) for digit in digits]
    doubled = [2 * digit - 9 * (digit > 4) for digit in plain]
    even, odd = plain.copy(), plain.copy()
    even[::2], odd[1::2] = doubled[::2], doubled[1::2]
    return [0, *accumulate(even)], [0, *accumulate(odd)]


def _is_luhn(sums: tuple[list[int], list[int]], start: int, end: int) -> bool:
    """Whether the check digit is right."""
    return (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0
