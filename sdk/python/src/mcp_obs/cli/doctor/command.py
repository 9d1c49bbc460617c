"""`mcp-obs doctor`: checks in the order in which telemetry goes its way, or shows what would go."""

import os
from dataclasses import asdict

import click

from mcp_obs.cli.options import as_json
from mcp_obs.cli.output import print_json


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--dry-run", is_flag=True, help="Print as JSON exactly what would be sent, without secrets; send nothing."
)
@as_json
@click.argument(
    "command", nargs=-1, type=click.UNPROCESSED, metavar="[-- PROGRAM [ARGUMENT]... | MODULE:ATTRIBUTE]"
)
@click.pass_context
def doctor(ctx: click.Context, command: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Find out why telemetry does not arrive, or see what it is.

    Looks at the libraries and mcp-obs's hooks in them, the configuration, the way to the collector, the key and the
    clock, sends what a server records of its initialize and tools/list, and asks whether it can be read. The server
    is one of ours, or the one of PROGRAM or MODULE:ATTRIBUTE, which is run on its standard streams. Exits with 1 when
    there is a problem.

    \b
    mcp-obs doctor
    mcp-obs doctor -- python server.py
    mcp-obs doctor --dry-run -- python server.py
    """
    # OTLP and HTTP take a while to import, and `mcp-obs --help` should not.
    from mcp_obs.cli.doctor.observing import command_of  # noqa: PLC0415

    words = command_of(command) if command else ()
    if dry_run:
        ctx.exit(_show_what_would_go(words))
    from rich.console import Console  # noqa: PLC0415

    from mcp_obs.cli.doctor.checkup import check_up  # noqa: PLC0415
    from mcp_obs.cli.doctor.report import show  # noqa: PLC0415

    checks = list(check_up(words, os.environ))
    is_well = all(check.status != "problem" for check in checks)
    if as_json:
        print_json({"ok": is_well, "checks": [asdict(check) for check in checks]})
    else:
        show(checks, Console(highlight=False))
    ctx.exit(0 if is_well else 1)


def _show_what_would_go(words: tuple[str, ...]) -> int:
    from mcp_obs.cli.doctor.dry_run import dry_run, exports_of, why_nothing  # noqa: PLC0415

    seen = dry_run(words, os.environ)
    if seen is None:
        raise click.ClickException("No MCP library is installed in this Python: pip install mcp")
    print_json(exports_of(seen))
    if seen.failure:
        said = "".join(f"\n  {line}" for line in seen.said)
        raise click.ClickException(f"{seen.name}: {seen.failure}.{said}")
    if not seen.kept.exports:
        click.echo(why_nothing(seen, os.environ), err=True)
    return 0
