"""`mcp-obs users`: the people who use your MCP servers."""

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import with_api
from mcp_obs_server.commands.deletion import confirm, wait_for, without_asking
from mcp_obs_server.commands.server_names import one_server


@click.group()
def users() -> None:
    """Delete what was sent of a user."""


@users.command()
@click.argument("user")
@click.option("--server", "server_name", metavar="NAME", help="Which server, when there are several.")
@without_asking
@with_api
def delete(api: ApiClient, user: str, server_name: str | None, yes: bool) -> None:
    """Delete everything that a server has sent of USER, its id as the server sends it.

    What is sent of this user later is kept.
    """
    server = one_server(api, server_name)
    confirm(f"Delete everything that {server['name']} has sent of the user {user}, for ever?", yes)
    deletion = api.post(f"/api/servers/{server['id']}/deletions", {"user_id": user})
    wait_for(api, deletion, f"the user {user}")
