"""The options that every verb over the API takes."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from mcp_obs.cli.client import DEFAULT_DATA_DIR, DEFAULT_URL, ApiClient, read_token

P = ParamSpec("P")

url_option = click.option(
    "--url", default=DEFAULT_URL, envvar="MCP_OBS_URL", show_default=True, help="Where mcp-obs answers."
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA_DIR,
    envvar="MCP_OBS_DATA_DIR",
    show_default=True,
    help="The server's folder, which holds your access token.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def with_api(verb: Callable[Concatenate[ApiClient, P], None]) -> Callable[..., None]:
    """Add `--url` and `--data-dir`, and give the verb a connection to that server.

    The access token is MCP_OBS_TOKEN or the one in the data folder; it is no option, because other
    users of the machine can read a command's arguments.
    """

    @url_option
    @data_dir_option
    @functools.wraps(verb)
    def with_connection(url: str, data_dir: Path, *args: P.args, **kwargs: P.kwargs) -> None:
        token = read_token(os.environ.get("MCP_OBS_TOKEN"), data_dir)
        with ApiClient.connect(url, token) as api:
            verb(api, *args, **kwargs)

    return with_connection
