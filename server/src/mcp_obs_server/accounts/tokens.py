"""The random tokens that people hold, and the digests that the database holds."""

import hashlib

from mcp_obs_server.kit.ids import random_base62

ACCESS_TOKEN_PREFIX = "mcpobs_pat_"  # noqa: S105 (public; lets scanners find a leaked token)

_LENGTH = 32  # 190 bits


def new_token() -> str:
    """A token for a sign-in link or a browser session."""
    return random_base62(_LENGTH)


def new_access_token() -> str:
    """A personal access token."""
    return ACCESS_TOKEN_PREFIX + random_base62(_LENGTH)


def digest_of(token: str) -> bytes:
    """What is stored and looked up in place of the token."""
    return hashlib.sha256(token.encode()).digest()
