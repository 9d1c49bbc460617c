"""`mcp-obs keys`: what MCP servers send their telemetry with."""

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs.cli.output import minute, print_json, print_table
from mcp_obs_server.commands.server_names import Json, one_server, servers_named


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option("--server", "name", help="The server's name; may be left out when there is only one.")
@click.option(
    "--environment",
    type=click.Choice(["live", "test", "dev"]),
    default="live",
    show_default=True,
    help="Where the key is for; it becomes part of the key.",
)
@as_json
@with_api
def create(api: ApiClient, name: str | None, environment: str, as_json: bool) -> None:
    """Create a key.

    The key alone goes to standard output, so KEY=$(mcp-obs keys create) works.
    """
    server = one_server(api, name)
    created = api.post(f"/api/servers/{server['id']}/keys", {"environment": environment})
    if as_json:
        print_json(created)
        return
    click.echo(f"A {environment} key for the server {server['name']}; it is shown only now:", err=True)
    click.echo(created["secret"])


@keys.command("list")
@click.option("--server", "name", help="Only this server's keys.")
@as_json
@with_api
def list_keys(api: ApiClient, name: str | None, as_json: bool) -> None:
    """List keys, newest first; their secrets are not kept anywhere."""
    found = _keys(api, name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("SERVER", "KEY", "CREATED", "LAST USED", "REVOKED"),
        [
            (
                key["server"],
                key["prefix"] + "…",
                minute(key["created_at"]),
                minute(key["last_used_at"]),
                minute(key["revoked_at"]),
            )
            for key in found
        ],
    )


@keys.command()
@click.argument("key")
@with_api
def revoke(api: ApiClient, key: str) -> None:
    """Revoke KEY, given by its beginning as `mcp-obs keys list` shows it. Its exports are refused at once."""
    # Whoever found a leaked key has the whole of it.
    found = [each for each in _keys(api, None) if key.startswith(each["prefix"])]
    if not found:
        raise click.ClickException("There is no such key; `mcp-obs keys list` shows yours.")
    for each in found:
        api.delete(f"/api/servers/{each['server_id']}/keys/{each['id']}")
        click.echo(f"Revoked {each['prefix']}.")


def _keys(api: ApiClient, name: str | None) -> list[Json]:
    return [
        {"server_id": server["id"], "server": server["name"], **key}
        for server in servers_named(api, name)
        for key in api.get(f"/api/servers/{server['id']}/keys")
    ]
