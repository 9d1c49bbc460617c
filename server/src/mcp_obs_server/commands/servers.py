"""`mcp-obs servers`: the MCP servers that report here."""

import shlex

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs.cli.output import minute, print_json, print_table


@click.group()
def servers() -> None:
    """Register and list MCP servers."""


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
