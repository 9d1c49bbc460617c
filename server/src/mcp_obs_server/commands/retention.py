"""`mcp-obs retention`: how long what is sent is kept."""

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import with_api
from mcp_obs_server.commands.deletion import confirm, without_asking
from mcp_obs_server.commands.server_names import Json

_PATH = "/api/organisation/retention"
_MAXIMUM = "maximum"


class Days(click.ParamType[int | str]):
    """A number of days, or the word for as many as the server allows."""

    name = "days"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or the word."""
        if value == _MAXIMUM:
            return value
        if not value.isdecimal():
            self.fail(f"{value!r} is neither a number of days nor '{_MAXIMUM}'.", param, ctx)
        return int(value)


@click.command()
@click.argument("days", type=Days(), required=False)
@without_asking
@with_api
def retention(api: ApiClient, days: int | str | None, yes: bool) -> None:
    """Show how long your organisation keeps what it sends, or keep it for DAYS.

    DAYS is a number up to the server's maximum, or the word maximum. What is older than a shorter
    retention is deleted within the hour.
    """
    kept: Json = api.get(_PATH)
    if days is not None:
        if isinstance(days, int) and days < kept["days"]:
            confirm(f"Delete everything that is older than {days} days, for ever?", yes)
        kept = api.put(_PATH, {"days": None if days == _MAXIMUM else days})
    maximum = "" if kept["chosen_days"] is None else f"; this server's maximum is {kept['maximum_days']}"
    click.echo(f"What you send is kept for {kept['days']} days{maximum}.")
