"""What HTTP refuses before anybody asks whose it is: nobody's, so it is counted for our own metrics alone."""

from collections import Counter
from typing import Literal, TypeAlias

RefusedBecause = Literal[
    "too_many_connections",
    "too_many_requests",
    "headers_too_large",
    "malformed",
    "slow",
]

RefusedRequests: TypeAlias = Counter[RefusedBecause]
"""How many since the start, by why."""
