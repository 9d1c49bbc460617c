"""The dependency behind every route of /api: who is asking?"""

from typing import Annotated

from fastapi import Depends, Request

from mcp_obs_server.accounts.cookie import from_own_page, read_session_cookie
from mcp_obs_server.accounts.principal import Principal
from mcp_obs_server.accounts.service import AccountsService
from mcp_obs_server.accounts.tokens import ACCESS_TOKEN_PREFIX
from mcp_obs_server.kit.errors import CrossOriginError, ForbiddenError, UnauthenticatedError
from mcp_obs_server.kit.services import provided

Accounts = Annotated[AccountsService, Depends(provided(AccountsService))]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def authenticate(request: Request, accounts: Accounts) -> Principal:
    """The caller by access token or session cookie; raises UnauthenticatedError or CrossOriginError."""
    if authorization := request.headers.get("authorization"):
        principal = await _by_access_token(authorization, accounts)
    else:
        principal = await _by_cookie(request, accounts)
    if principal is None:
        raise UnauthenticatedError("Sign in first: `mcp-obs sign-in-link` makes a link.")
    return principal


async def _by_access_token(authorization: str, accounts: AccountsService) -> Principal | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(ACCESS_TOKEN_PREFIX):
        return None
    return await accounts.principal_of_access_token(token)


async def _by_cookie(request: Request, accounts: AccountsService) -> Principal | None:
    token = read_session_cookie(request)
    principal = await accounts.principal_of_session(token) if token else None
    # A browser attaches the cookie whoever asks, so what changes something must come from our page.
    if principal and request.method not in _SAFE_METHODS and not from_own_page(request):
        raise CrossOriginError("Send this from the dashboard itself, or with an access token.")
    return principal


Authenticated = Annotated[Principal, Depends(authenticate)]
"""Annotate a route's parameter with this: the route then answers 401 to strangers."""


async def owner(principal: Authenticated) -> Principal:
    """The caller when they own the organisation; raises ForbiddenError for its other members."""
    if principal.role != "owner":
        raise ForbiddenError("Only an owner of the organisation may do this: ask one.")
    return principal


Owner = Annotated[Principal, Depends(owner)]
"""Annotate a route's parameter with this: the route then answers 403 to members who are no owners."""


async def operator(principal: Owner, accounts: Accounts) -> Principal:
    """The caller when they run this server; raises ForbiddenError for owners of other organisations."""
    first = await accounts.first_owner()
    if first is None or first.org_id != principal.org_id:
        raise ForbiddenError("Only an owner of this server's first organisation may do this.")
    return principal


Operator = Annotated[Principal, Depends(operator)]
"""Annotate a route's parameter with this: it then answers only to owners of the organisation of the first start."""
