"""`mcp-obs start`: the server itself."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcp_obs.cli.client import DEFAULT_DATA_DIR, DEFAULT_URL
from mcp_obs.cli.program import program

if TYPE_CHECKING:
    from mcp_obs_server.serve import Addresses
    from mcp_obs_server.servers.bootstrap import FirstStart


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"The folder that keeps everything.  [default: {DEFAULT_DATA_DIR}]",
)
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port for OTLP/HTTP, the API and the dashboard; 0 takes a free one.  [default: 4318]",
)
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65535),
    help="The port for OTLP/gRPC.  [default: 4317, or a free one with --port 0]",
)
@click.option(
    "--store",
    metavar="URL",
    help="Where telemetry is kept: chdb:///folder or clickhouse(s)://user:password@host:port/database, with"
    " ?cluster=NAME for a cluster.  [default: a folder in the data directory]",
)
def start(**given: Any) -> None:
    """Run mcp-obs: OTLP/HTTP, API and dashboard on one port, OTLP/gRPC on another.

    The first start prints an API key and a sign-in link. Every option is also read from the
    environment, as MCP_OBS_DATA_DIR, MCP_OBS_HOST, MCP_OBS_PORT, MCP_OBS_GRPC_PORT and
    MCP_OBS_STORE; a password is safer there than in the list of processes. Ctrl-C stops.
    """
    # gRPC would write a line on stderr for every malformed call of anybody's; it looks here when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # The engine takes a while to import, and `mcp-obs --help` should not.
    from pydantic import ValidationError  # noqa: PLC0415

    from mcp_obs_server.serve import StartupError, serve  # noqa: PLC0415
    from mcp_obs_server.settings import Settings  # noqa: PLC0415

    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = (
            f"MCP_OBS_{'_'.join(map(str, each['loc'])).upper()}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        )
        raise click.UsageError("; ".join(problems)) from error
    try:
        serve(
            settings,
            lambda addresses, first: click.echo(welcome(addresses, settings.data_dir, first), nl=False),
        )
    except StartupError as error:
        raise click.ClickException(str(error)) from error


def welcome(addresses: "Addresses", data_dir: Path, first: "FirstStart | None") -> str:
    """What to print once requests are answered; `first` is there on the first start only."""
    base_url, grpc_url = addresses.base_url, addresses.grpc_url
    if first is None:
        return _AGAIN.format(base_url=base_url, grpc_url=grpc_url, command=_link_command(base_url, data_dir))
    from mcp_obs_server.accounts.sign_in_url import sign_in_url  # noqa: PLC0415

    return _FIRST.format(
        base_url=base_url,
        grpc_url=grpc_url,
        link=sign_in_url(base_url, first.sign_in_token),
        expires_at=first.sign_in_expires_at,
        server=first.server_name,
        key=first.api_key,
        command=_link_command(base_url, data_dir),
    )


def _link_command(base_url: str, data_dir: Path) -> str:
    words = [program(), "sign-in-link"]
    if data_dir != DEFAULT_DATA_DIR:
        words += ["--data-dir", str(data_dir)]
    if base_url != DEFAULT_URL:
        words += ["--url", base_url]
    return shlex.join(words)


_FIRST = """\
mcp-obs is ready at {base_url}

Sign in (works once, until {expires_at:%Y-%m-%d %H:%M} UTC):
  {link}

API key of the server "{server}" (shown only now):
  {key}

Next, three lines in your MCP server, then call one of its tools:
  import mcp_obs
  mcp_obs.configure_mcp_telemetry(api_key="{key}", endpoint="{base_url}")
  mcp_obs.instrument(server)

Any other OpenTelemetry exporter: OTLP/HTTP to {base_url}, OTLP/gRPC to {grpc_url}

Another sign-in link: {command}
Ctrl-C stops.
"""

_AGAIN = """\
mcp-obs is ready at {base_url}
OTLP/gRPC: {grpc_url}
A sign-in link: {command}
Ctrl-C stops.
"""
