"""`mcp-obs backup`: everything that a server holds, in one file."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mcp_obs.cli.client import ApiClient, read_token
from mcp_obs.cli.options import data_dir_option, url_option
from mcp_obs_server.commands.progress import progress

if TYPE_CHECKING:
    from mcp_obs_server.store import StoreLocation

Pieces = tuple[int, Iterator[bytes]]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@url_option
@data_dir_option
@click.option(
    "--store",
    metavar="URL",
    envvar="MCP_OBS_STORE",
    help="Where a stopped server's telemetry is, if not in its folder.",
)
@click.pass_context
def backup(ctx: click.Context, file: Path, url: str, data_dir: Path, store: str | None) -> None:
    """Write everything that mcp-obs holds into FILE: accounts, keys, telemetry and what still waits.

    The server may run. With --url or MCP_OBS_TOKEN it is asked for the backup, and else when it uses
    the folder; nothing is needed but the folder while no server does. Only an owner of the server's first
    organisation may take one from a running server.
    """
    is_named = os.environ.get("MCP_OBS_TOKEN") or ctx.get_parameter_source("url") != ParameterSource.DEFAULT
    if is_named or not _is_stopped(data_dir):
        token = read_token(os.environ.get("MCP_OBS_TOKEN"), data_dir)
        with (
            ApiClient.connect(url, token) as api,
            api.download("/api/backups", "application/x-tar") as pieces,
        ):
            _write(file, pieces)
    elif os.environ.get("MCP_OBS_CONTROL") or _is_shared(data_dir):
        # What lies in the folder then is from before, or nobody's.
        from mcp_obs_server.backup.service import SHARED  # noqa: PLC0415

        raise click.ClickException(SHARED)
    else:
        with _of_folder(data_dir, store) as pieces:
            _write(file, pieces)


def _write(file: Path, pieces: Pieces) -> None:
    from mcp_obs_server.backup.new_file import new_file  # noqa: PLC0415

    size, blocks = pieces
    try:
        with new_file(file) as written, progress("Writing", size) as advance:
            for block in blocks:
                written.write(block)
                advance(len(block))
    except FileExistsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error}") from error
    click.echo(f"Wrote {file}: {size:,} bytes.")


def _is_shared(data_dir: Path) -> bool:
    return (data_dir / "process-id").exists()


def _is_stopped(data_dir: Path) -> bool:
    from mcp_obs_server.store import FolderLock, StoreLockedError  # noqa: PLC0415

    if not ((data_dir / "control.db").exists() or _is_shared(data_dir)):
        return False
    try:
        FolderLock.acquire(data_dir).release()
    except StoreLockedError:
        return False
    return True


@contextmanager
def _of_folder(data_dir: Path, store: str | None) -> Generator[Pieces]:
    from mcp_obs_server.backup.archive import size_of, write  # noqa: PLC0415
    from mcp_obs_server.backup.stopped import stopped  # noqa: PLC0415
    from mcp_obs_server.kit.clock import utc_now  # noqa: PLC0415
    from mcp_obs_server.store import StoreLockedError  # noqa: PLC0415

    location = _location(data_dir, store)
    if not isinstance(location, Path):
        click.echo("Without the telemetry: it is on a ClickHouse server, which has its own BACKUP.", err=True)
    try:
        with stopped(data_dir, location, utc_now()) as entries:
            yield size_of(entries), write(entries)
    except (StoreLockedError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _location(data_dir: Path, store: str | None) -> "StoreLocation":
    from mcp_obs_server.store.location import parse_store_url  # noqa: PLC0415

    if store is None:
        return data_dir / "telemetry"
    try:
        return parse_store_url(store)
    except ValueError as error:
        raise click.UsageError(f"--store: {error}") from error
