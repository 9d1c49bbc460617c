"""What an API key looks like: `mcpobs_{environment}_`, 8 characters to find it by, 32 that are secret."""

import re

from mcp_obs_server.kit.ids import random_base62
from mcp_obs_server.servers.models import Environment

_LOOK_UP = 8
_SECRET = 32  # 190 random bits
_KEY = re.compile(rf"(mcpobs_(?:live|test|dev)_[0-9A-Za-z]{{{_LOOK_UP}}})[0-9A-Za-z]{{{_SECRET}}}", re.ASCII)


def new_key(environment: Environment) -> str:
    """A fresh key."""
    return f"mcpobs_{environment}_{random_base62(_LOOK_UP + _SECRET)}"


def prefix_of(presented: str) -> str | None:
    """The public part of a key, by which its row is found; None when this can't be a key."""
    match = _KEY.fullmatch(presented)
    return match and match[1]
