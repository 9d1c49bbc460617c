"""Which server a verb means."""

from typing import Any

import click

from mcp_obs.cli.client import ApiClient

Json = dict[str, Any]


def servers_named(api: ApiClient, name: str | None) -> list[Json]:
    """The server of this name, or all of them. Raises click.ClickException when there is none of this name."""
    servers: list[Json] = api.get("/api/servers")
    chosen = [each for each in servers if name in {None, each["name"]}]
    if name is not None and not chosen:
        raise click.ClickException(f"There is no server {name!r}; `mcp-obs servers list` shows yours.")
    return chosen


def one_server(api: ApiClient, name: str | None) -> Json:
    """The server of this name, or the only one. Raises click.ClickException."""
    chosen = servers_named(api, name)
    if not chosen:
        raise click.ClickException("Register a server first: mcp-obs servers create NAME")
    if len(chosen) > 1:
        names = ", ".join(each["name"] for each in chosen)
        raise click.UsageError(f"Say which server with --server: {names}.")
    return chosen[0]
