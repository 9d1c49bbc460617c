"""The server of every fastmcp."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Sequence
from typing import Any

import fastmcp
from fastmcp.server.auth import AccessToken, TokenVerifier

from . import tools
from .lines import SCOPES, mail_of


class Tokens(TokenVerifier):
    """Every token is its bearer's name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whoever it names is there."""
        claims = {"sub": token, "email": mail_of(token)}
        return AccessToken(token=token, client_id="app", scopes=SCOPES, claims=claims)


def build(*, auth: bool = False, required_scopes: Sequence[str] = ()) -> Any:
    """A FastMCP with the kit's tools."""
    verifier = Tokens(required_scopes=list(required_scopes)) if auth else None
    server: Any = fastmcp.FastMCP("kit", auth=verifier)
    for name in tools.OFFERED:
        server.tool(getattr(tools, name))
    server.resource("memo://today")(tools.today)
    server.prompt(tools.ask)
    return server
