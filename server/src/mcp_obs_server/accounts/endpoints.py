"""Accounts over HTTP."""

from fastapi import APIRouter, Request, Response

from mcp_obs_server.accounts.authentication import Accounts, Authenticated, Owner
from mcp_obs_server.accounts.cookie import (
    clear_session_cookie,
    from_own_page,
    read_session_cookie,
    set_session_cookie,
)
from mcp_obs_server.accounts.principal import Principal
from mcp_obs_server.accounts.schemas import (
    Me,
    OrganisationOut,
    RetentionIn,
    RetentionOut,
    SignIn,
    SignInLinkOut,
    UserOut,
)
from mcp_obs_server.accounts.service import AccountsService
from mcp_obs_server.accounts.sign_in_url import sign_in_url
from mcp_obs_server.kit.errors import CrossOriginError
from mcp_obs_server.kit.http_errors import ERROR_RESPONSES
from mcp_obs_server.kit.limits import JSON_BODY_BYTES

router = APIRouter(prefix="/api", tags=["accounts"], responses=ERROR_RESPONSES, max_body_size=JSON_BODY_BYTES)


@router.post("/sign-in", operation_id="sign_in")
async def sign_in(body: SignIn, request: Request, response: Response, accounts: Accounts) -> Me:
    """Use a one-time link; sets the session cookie."""
    # Else another site could sign its visitors in as somebody else.
    if from_own_page(request) is False:
        raise CrossOriginError("Open the sign-in link itself; another site's page can't use it.")
    principal, session = await accounts.sign_in(body.token)
    set_session_cookie(request, response, session.token)
    return await _me(accounts, principal)


@router.post("/sign-out", operation_id="sign_out", status_code=204)
async def sign_out(request: Request, response: Response, accounts: Accounts, _: Authenticated) -> None:
    """End the browser's session."""
    if token := read_session_cookie(request):
        await accounts.sign_out(token)
    clear_session_cookie(request, response)


@router.get("/me", operation_id="get_me")
async def get_me(principal: Authenticated, accounts: Accounts) -> Me:
    """Who is asking."""
    return await _me(accounts, principal)


@router.post("/sign-in-links", operation_id="create_sign_in_link")
async def create_sign_in_link(
    request: Request, principal: Authenticated, accounts: Accounts
) -> SignInLinkOut:
    """A fresh one-time link for the calling user, for another browser."""
    link = await accounts.create_sign_in_link(principal)
    base_url = accounts.public_url or str(request.base_url)
    return SignInLinkOut(url=sign_in_url(base_url, link.token), expires_at=link.expires_at)


@router.get("/organisation/retention", operation_id="get_retention")
async def get_retention(principal: Authenticated, accounts: Accounts) -> RetentionOut:
    """How long what the organisation sends is kept."""
    return RetentionOut.model_validate(await accounts.retention(principal))


@router.put("/organisation/retention", operation_id="set_retention")
async def set_retention(body: RetentionIn, principal: Owner, accounts: Accounts) -> RetentionOut:
    """Choose how long; what is older is deleted within the hour. For owners."""
    return RetentionOut.model_validate(await accounts.set_retention(principal, body.days))


async def _me(accounts: AccountsService, principal: Principal) -> Me:
    profile = await accounts.profile(principal)
    user, organisation = profile.user, profile.organisation
    return Me(
        user=UserOut(id=user.id, email=user.email, name=user.name),
        organisation=OrganisationOut(id=organisation.id, name=organisation.name),
        role=principal.role,
    )
