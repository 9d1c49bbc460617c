"""Who is asking, as the rest of the server sees it."""

from dataclasses import dataclass
from typing import Literal, NewType

OrgId = NewType("OrgId", int)
"""An organisation's id from a checked credential. Only `accounts` makes one; a test proves it."""

Role = Literal["owner", "member"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user acting in one organisation, from a checked session or access token."""

    user_id: int
    org_id: OrgId
    role: Role
