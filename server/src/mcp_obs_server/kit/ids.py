"""Random tokens."""

import secrets
import string

BASE62 = string.digits + string.ascii_letters


def random_base62(length: int) -> str:
    """This many random characters of 0-9A-Za-z, 5.95 bits each."""
    return "".join(secrets.choice(BASE62) for _ in range(length))
