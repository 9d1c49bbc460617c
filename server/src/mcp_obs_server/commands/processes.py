"""`mcp-obs processes`: the processes that share a control plane."""

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs.cli.output import minute, print_json, print_table
from mcp_obs_server.commands.deletion import confirm, without_asking


@click.group()
def processes() -> None:
    """List and forget the processes that share a control plane on PostgreSQL."""


@processes.command("list")
@as_json
@with_api
def list_processes(api: ApiClient, as_json: bool) -> None:
    """List the processes that run, or left exports in their folder."""
    found = api.get("/api/processes")
    if as_json:
        print_json(found)
    else:
        rows = [
            (each["id"], each["host_name"], minute(each["started_at"]), minute(each["seen_at"]))
            for each in found
        ]
        print_table(("ID", "HOST", "STARTED", "SEEN"), rows)


@processes.command()
@click.argument("id")
@without_asking
@with_api
def forget(api: ApiClient, id: str, yes: bool) -> None:  # noqa: A002  click's argument
    """Wait no longer for the process ID, whose folder is lost.

    Deletions go on without it. If it comes back, it deletes what it still has of servers of which something was
    deleted.
    """
    confirm(f"Forget the process {id}, with the exports that only it has?", yes)
    api.delete(f"/api/processes/{id}")
    click.echo(f"Forgot the process {id}.")
