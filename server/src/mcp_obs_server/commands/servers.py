"""`mcp-obs servers`: the MCP servers that report here."""

import shlex

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs.cli.output import minute, print_json, print_table
from mcp_obs_server.commands.deletion import confirm, wait_for, without_asking
from mcp_obs_server.commands.server_names import one_server


@click.group()
def servers() -> None:
    """Register, list and delete MCP servers."""


@servers.command()
@click.argument("name")
@as_json
@with_api
def create(api: ApiClient, name: str, as_json: bool) -> None:
    """Register a server called NAME."""
    server = api.post("/api/servers", {"name": name})
    if as_json:
        print_json(server)
    else:
        click.echo(
            f"Registered {server['name']}. Its first key: mcp-obs keys create --server {shlex.quote(name)}"
        )


@servers.command("list")
@as_json
@with_api
def list_servers(api: ApiClient, as_json: bool) -> None:
    """List your servers."""
    found = api.get("/api/servers")
    if as_json:
        print_json(found)
    else:
        rows = [(str(each["id"]), each["name"], minute(each["created_at"])) for each in found]
        print_table(("ID", "NAME", "CREATED"), rows)


@servers.command()
@click.argument("name")
@without_asking
@with_api
def delete(api: ApiClient, name: str, yes: bool) -> None:
    """Delete the server called NAME, its keys and everything it sent.

    Its exports are refused at once; the command ends when nothing is left.
    """
    server = one_server(api, name)
    confirm(f"Delete the server {name}, its keys and everything it sent, for ever?", yes)
    wait_for(api, api.delete(f"/api/servers/{server['id']}"), f"the server {name}")
