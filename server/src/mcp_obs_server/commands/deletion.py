"""What verbs that delete have in common: they ask first and end when nothing is left."""

import time

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.output import minute
from mcp_obs_server.commands.server_names import Json

_LOOK_EVERY_SECONDS = 1.0

without_asking = click.option("--yes", is_flag=True, help="Don't ask.")


def confirm(question: str, yes: bool) -> None:
    """Go on when `yes` or when the person says so; else end. Raises click.Abort."""
    if not yes:
        click.confirm(question, abort=True, err=True)


def wait_for(api: ApiClient, deletion: Json, what: str) -> None:
    """Say that `what` is gone, when it is. Ctrl-C ends the waiting, not the deletion."""
    click.echo(f"Deleting {what}; this goes on if you stop waiting.", err=True)
    told = set[str]()
    while deletion["finished_at"] is None:
        for process in deletion["waits_for"]:
            if process["id"] not in told:
                told.add(process["id"])
                click.echo(_waiting(process), err=True)
        time.sleep(_LOOK_EVERY_SECONDS)
        deletion = api.get(f"/api/deletions/{deletion['id']}")
    click.echo(f"Deleted {what}: {deletion['rows_removed']:,} rows removed, none left.")


def _waiting(process: Json) -> str:
    return (
        f"It waits for the process {process['id']}, last seen {minute(process['seen_at'])}: start it again,"
        f" or, if its folder is lost, mcp-obs processes forget {process['id']}"
    )
