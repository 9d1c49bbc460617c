"""`mcp-obs restore`: a server's folder as it was when a backup was taken."""

import shlex
from pathlib import Path

import click

from mcp_obs.cli.options import data_dir_option
from mcp_obs.cli.program import program
from mcp_obs_server.commands.progress import progress


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_dir_option
def restore(file: Path, data_dir: Path) -> None:
    """Fill the empty folder --data-dir, which need not be there, with what `mcp-obs backup` wrote into FILE.

    The whole of FILE is checked before anything is written.
    """
    from mcp_obs_server.backup.errors import ArchiveError, RestoreError  # noqa: PLC0415
    from mcp_obs_server.backup.restoring import restore as restore_backup  # noqa: PLC0415
    from mcp_obs_server.migrations import revisions  # noqa: PLC0415
    from mcp_obs_server.store import StoreLockedError  # noqa: PLC0415

    try:
        # Read once to check and once to write.
        with file.open("rb") as archive, progress("Restoring", 2 * file.stat().st_size) as advance:
            described = restore_backup(archive, data_dir, revisions(), advance)
    except ArchiveError as error:
        raise click.ClickException(f"{file} {error}") from error
    except (RestoreError, StoreLockedError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{data_dir} can't be filled: {error}") from error
    click.echo(f"Restored {data_dir} as of {described.taken_at:%Y-%m-%d %H:%M:%S} UTC.")
    if not described.databases:
        click.echo("Its telemetry is on a ClickHouse server: restore that too, before you start this.")
    click.echo(f"Start it: {shlex.join([program(), 'start', '--data-dir', str(data_dir)])}")
