"""The first start: something to sign in to and a key to send with."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mcp_obs_server.accounts.service import FIRST_LINK_LIFETIME, AccountsService
from mcp_obs_server.servers.service import ServerScope, ServersService

OWN_SERVER = "mcp-obs"


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What to print once."""

    organisation_name: str
    server_name: str
    api_key: str
    sign_in_token: str
    sign_in_expires_at: datetime


async def bootstrap(
    accounts: AccountsService, servers: ServersService, access_token_file: Path
) -> FirstStart | None:
    """Create what is missing: organisation, owner, server with key, the owner's access token in its file.

    Each step looks first, so a start that was killed half-way is finished by the next one.
    None when there was a server already.
    """
    owner = await accounts.first_owner() or await accounts.create_organisation(
        "My organisation", owner_email="owner@localhost", owner_name="Owner"
    )
    held = _read(access_token_file)
    if held is None or await accounts.principal_of_access_token(held) is None:
        _write_private(access_token_file, await accounts.create_access_token(owner))
    if await servers.list_servers(owner):
        return None
    server = await servers.create_server(owner, "default")
    scope = await servers.server_scope(server.id, owner)
    created = await servers.create_key(scope, "live")
    link = await accounts.create_sign_in_link(owner, FIRST_LINK_LIFETIME)
    profile = await accounts.profile(owner)
    return FirstStart(profile.organisation.name, server.name, created.secret, link.token, link.expires_at)


async def own_server(accounts: AccountsService, servers: ServersService) -> ServerScope:
    """The server that mcp-obs's own telemetry is kept under, in the first organisation."""
    owner = await accounts.first_owner()
    assert owner, "bootstrap comes first"
    known = {server.name: server for server, _ in await servers.list_servers(owner)}
    server = known.get(OWN_SERVER) or await servers.create_server(owner, OWN_SERVER)
    return await servers.server_scope(server.id, owner)


def _read(file: Path) -> str | None:
    return file.read_text().strip() if file.exists() else None


def _write_private(file: Path, content: str) -> None:
    # A new file takes the old one's place whole, and nobody else can read it for even a moment.
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(content + "\n")
    fresh.replace(file)
