"""Sign-in, sessions and access tokens."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import and_, delete, func, select

from mcp_obs_server.accounts.models import (
    AccessToken,
    BrowserSession,
    Membership,
    Organisation,
    SignInLink,
    User,
)
from mcp_obs_server.accounts.principal import OrgId, Principal
from mcp_obs_server.accounts.tokens import digest_of, new_access_token, new_token
from mcp_obs_server.kit.clock import Clock
from mcp_obs_server.kit.database import Sessions
from mcp_obs_server.kit.errors import InvalidError, UnauthenticatedError
from mcp_obs_server.kit.remembered import Remembered

LINK_LIFETIME = timedelta(minutes=15)
FIRST_LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=14)

_Kind = TypeVar("_Kind", AccessToken, BrowserSession)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as it is shown once, and when it ends."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an organisation keeps what it sends: what it chose, if anything, within the server's maximum."""

    chosen_days: int | None
    maximum_days: int

    @property
    def days(self) -> int:
        """What applies."""
        return min(self.chosen_days or self.maximum_days, self.maximum_days)


@dataclass(frozen=True, slots=True)
class Profile:
    """A principal with names."""

    user: User
    organisation: Organisation
    principal: Principal


class AccountsService:
    """The one door to organisations, users and their credentials.

    A credential that was found good is believed for some seconds; a sign-out ends that here at once.

    `public_url` is the dashboard's address for links, when it isn't the one that requests come in at.
    `maximum_days` is how long the server keeps what is sent.
    """

    def __init__(
        self, sessions: Sessions, clock: Clock, public_url: str | None = None, maximum_days: int = 30
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._maximum_days = maximum_days
        self._held_sessions = Remembered[bytes, tuple[Membership, BrowserSession]]()
        self._held_tokens = Remembered[bytes, tuple[Membership, AccessToken]]()
        self.public_url = public_url

    async def sign_in(self, link_token: str) -> tuple[Principal, IssuedToken]:
        """Trade a link's token for a session, once. Raises UnauthenticatedError for any other token."""
        now = self._clock()
        session = IssuedToken(new_token(), now + SESSION_LIFETIME)
        async with self._sessions.begin() as db:
            # One statement takes the link, so two browsers can't both have it.
            taken = delete(SignInLink).where(
                SignInLink.digest == digest_of(link_token), SignInLink.expires_at > now
            )
            link = (await db.execute(taken.returning(SignInLink.user_id, SignInLink.org_id))).one_or_none()
            if link is None:
                raise UnauthenticatedError(
                    "This sign-in link is used or expired; make a new one with `mcp-obs sign-in-link`."
                )
            for kind in (SignInLink, BrowserSession):
                await db.execute(delete(kind).where(kind.expires_at <= now))
            db.add(
                BrowserSession(
                    user_id=link.user_id,
                    org_id=link.org_id,
                    digest=digest_of(session.token),
                    created_at=now,
                    expires_at=session.expires_at,
                )
            )
            membership = await db.get_one(Membership, (link.user_id, link.org_id))
        return _principal(membership), session

    async def sign_out(self, session_token: str) -> None:
        """End this session."""
        digest = digest_of(session_token)
        async with self._sessions.begin() as db:
            await db.execute(delete(BrowserSession).where(BrowserSession.digest == digest))
        self._held_sessions.forget(digest)

    async def principal_of_session(self, session_token: str) -> Principal | None:
        """Whose session this is; None when it is unknown or over."""
        digest = digest_of(session_token)
        held = await self._held_sessions.get(digest, lambda: self._hold(BrowserSession, digest))
        if held is None:
            return None
        membership, session = held
        return _principal(membership) if session.expires_at > self._clock() else None

    async def principal_of_access_token(self, access_token: str) -> Principal | None:
        """Whose access token this is; None when it is unknown."""
        digest = digest_of(access_token)
        held = await self._held_tokens.get(digest, lambda: self._hold(AccessToken, digest))
        return held and _principal(held[0])

    async def profile(self, principal: Principal) -> Profile:
        """The names behind a principal."""
        async with self._sessions() as db:
            user = await db.get_one(User, principal.user_id)
            organisation = await db.get_one(Organisation, principal.org_id)
        return Profile(user, organisation, principal)

    async def retention(self, principal: Principal) -> Retention:
        """How long the organisation keeps what it sends."""
        async with self._sessions() as db:
            organisation = await db.get_one(Organisation, principal.org_id)
        return Retention(organisation.retention_days, self._maximum_days)

    async def set_retention(self, principal: Principal, days: int | None) -> Retention:
        """Keep for so many days from now on; None for as long as the server does. Raises InvalidError."""
        if days is not None and not 1 <= days <= self._maximum_days:
            raise InvalidError(f"Choose from 1 to {self._maximum_days} days, this server's maximum.")
        async with self._sessions.begin() as db:
            organisation = await db.get_one(Organisation, principal.org_id)
            organisation.retention_days = days
        return Retention(days, self._maximum_days)

    async def shorter_retentions(self) -> dict[int, list[OrgId]]:
        """The organisations that keep for less than the server's maximum, by days."""
        shorter = select(Organisation).where(Organisation.retention_days < self._maximum_days)
        by_days = defaultdict[int, list[OrgId]](list)
        async with self._sessions() as db:
            for organisation in await db.scalars(shorter):
                if organisation.retention_days is not None:
                    by_days[organisation.retention_days].append(OrgId(organisation.id))
        return by_days

    async def create_sign_in_link(
        self, principal: Principal, lifetime: timedelta = LINK_LIFETIME
    ) -> IssuedToken:
        """A one-time link's token for this principal."""
        now = self._clock()
        issued = IssuedToken(new_token(), now + lifetime)
        async with self._sessions.begin() as db:
            db.add(
                SignInLink(
                    user_id=principal.user_id,
                    org_id=principal.org_id,
                    digest=digest_of(issued.token),
                    created_at=now,
                    expires_at=issued.expires_at,
                )
            )
        return issued

    async def create_access_token(self, principal: Principal) -> str:
        """A personal access token for this principal; only its digest is kept."""
        token = new_access_token()
        async with self._sessions.begin() as db:
            db.add(
                AccessToken(
                    user_id=principal.user_id,
                    org_id=principal.org_id,
                    digest=digest_of(token),
                    created_at=self._clock(),
                )
            )
        return token

    async def create_organisation(self, name: str, owner_email: str, owner_name: str) -> Principal:
        """A new organisation with a new user as its owner."""
        now = self._clock()
        async with self._sessions.begin() as db:
            organisation = Organisation(name=name, created_at=now)
            user = User(email=owner_email, name=owner_name, created_at=now)
            db.add_all([organisation, user])
            await db.flush()
            owner = Membership(user_id=user.id, org_id=OrgId(organisation.id), role="owner")
            db.add(owner)
        return _principal(owner)

    async def first_owner(self) -> Principal | None:
        """The owner of the oldest organisation; None before the first start."""
        oldest = select(func.min(Organisation.id)).scalar_subquery()
        owners = select(Membership).where(Membership.org_id == oldest, Membership.role == "owner")
        async with self._sessions() as db:
            owner = await db.scalar(owners.order_by(Membership.user_id).limit(1))
        return owner and _principal(owner)

    async def _hold(self, kind: type[_Kind], digest: bytes) -> tuple[Membership, _Kind] | None:
        held = select(Membership, kind).join(
            kind, and_(kind.user_id == Membership.user_id, kind.org_id == Membership.org_id)
        )
        async with self._sessions() as db:
            return (await db.execute(held.where(kind.digest == digest))).one_or_none()


def _principal(membership: Membership) -> Principal:
    return Principal(membership.user_id, membership.org_id, membership.role)
