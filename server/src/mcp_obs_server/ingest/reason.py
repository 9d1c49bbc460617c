"""Why something is not kept: a code to count by, from a closed set, and a sentence for who runs the sender."""

from typing import Literal, NamedTuple

ReasonCode = Literal[
    # Items of an export whose others are kept.
    "bad_trace_id",
    "bad_span_id",
    "too_old",
    "in_future",
    "no_name",
    "no_value",
    "bad_buckets",
    "bad_quantile",
    # Whole exports.
    "malformed",
    "slow",
    "too_large",
    "unsupported_media",
    "rate_limited",
    "quota",
    "overloaded",
    "failed",
    # Exports that were acknowledged.
    "unreadable",
]

# Of requests that are nobody's.
StrangerCode = Literal["unauthenticated", "unknown_signal", "wrong_method"]


class Reason(NamedTuple):
    """Why an item of an export is not kept."""

    code: ReasonCode
    sentence: str
