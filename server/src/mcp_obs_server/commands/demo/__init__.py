"""`mcp-obs demo`: real MCP servers, real clients, and a dashboard with live data."""

import re
from pathlib import Path

import click

MOST_DAYS = 29  # the default retention is 30 days; older spans are refused


class Days(click.ParamType[int]):
    """A number of days, as in `7d`."""

    name = "DAYS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read `7d` as 7."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d{1,3})d", str(value))
        if match is None or not 1 <= int(match[1]) <= MOST_DAYS:
            self.fail(f"{value!r} is no number of days from 1d to {MOST_DAYS}d.", param, ctx)
        return int(match[1])


@click.command()
@click.option(
    "--check", is_flag=True, help="Compare what clients count with what the dashboard shows, and exit."
)
@click.option(
    "--history", type=Days(), default=0, help="Fill the past with generated calls first, for example 7d."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of mcp-obs; 4318, or a free one when it is taken."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data here; without it, it goes when the demo ends.",
)
@click.pass_context
def demo(ctx: click.Context, check: bool, history: int, port: int | None, data_dir: Path | None) -> None:
    """Run real MCP servers and clients under a dashboard.

    Runs until Ctrl-C. Needs a checkout: the example servers are not in the installed package.
    """
    if check and history:
        raise click.UsageError("--check counts real calls only; leave --history out.")
    # mcp, fastmcp and their dependants come with a checkout only, and `mcp-obs --help` must work without them.
    try:
        from mcp_obs_server.commands.demo.run import Options, console_for_people, run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The demo needs {error.name}: run it in a checkout, by `make demo`."
        ) from error
    ctx.exit(run(Options(check, history, port, data_dir), console_for_people()))
