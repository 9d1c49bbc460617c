"""`mcp-obs sign-in-link`: a way into the dashboard."""

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs.cli.output import minute, print_json


@click.command()
@as_json
@with_api
def sign_in_link(api: ApiClient, as_json: bool) -> None:
    """Make a link that signs a browser in to the dashboard, once.

    The link alone goes to standard output.
    """
    link = api.post("/api/sign-in-links")
    if as_json:
        print_json(link)
        return
    click.echo(f"Works once, until {minute(link['expires_at'])}:", err=True)
    click.echo(link["url"])
