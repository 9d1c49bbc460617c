"""`mcp-obs canary`: writes what it knows, reads it back, compares."""

import contextlib
import json
import secrets
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from mcp_obs.cli.client import ApiClient
from mcp_obs.cli.options import as_json, with_api
from mcp_obs_server.commands.duration import Duration

SERVER = "canary"


@click.command()
@click.option(
    "--for", "soak", type=Duration(), help="Repeat rounds for so long, for example 10m; else one round."
)
@click.option(
    "--within",
    type=Duration(),
    default="30s",
    show_default=True,
    help="How soon what was acknowledged has to be readable.",
)
@as_json
@with_api
@click.pass_context
def canary(ctx: click.Context, api: ApiClient, soak: float | None, within: float, as_json: bool) -> None:
    """Write known operations, read them back and compare.

    Writes through the public door for a server named "canary", with a key that is revoked at the end.
    Reads back by id, by search and from the rollups. Exits with 1 when anything differs; Ctrl-C ends a
    soak with its summary.
    """
    # What speaks OTLP takes a while to import, and `mcp-obs --help` should not.
    from mcp_obs_server.commands.canary import report  # noqa: PLC0415
    from mcp_obs_server.commands.canary.door import Door  # noqa: PLC0415
    from mcp_obs_server.commands.canary.reading import Reading  # noqa: PLC0415
    from mcp_obs_server.commands.canary.rounds import Canary  # noqa: PLC0415

    summary = report.Summary()
    deadline = time.monotonic() + (soak or 0)
    server_id = _registered(api)
    with _key(api, server_id) as key, Door.open(api.url, key) as door, _interruptible():
        bird = Canary(door, Reading(api, server_id), secrets.token_hex(4), within)
        while summary.rounds == 0 or time.monotonic() < deadline:
            result = bird.sing(summary.rounds + 1)
            summary.add(result)
            if as_json:
                click.echo(json.dumps(asdict(result)))
            else:
                report.show(result)
    if summary.rounds == 0:
        raise click.Abort from KeyboardInterrupt()
    if as_json:
        click.echo(json.dumps(asdict(summary)))
    elif soak:
        click.echo(summary)
    ctx.exit(1 if summary.rounds_that_differ else 0)


def _registered(api: ApiClient) -> int:
    """The id of the canary's server, registered now unless it already was."""
    known = {each["name"]: each["id"] for each in api.get("/api/servers")}
    return known[SERVER] if SERVER in known else api.post("/api/servers", {"name": SERVER})["id"]


@contextmanager
def _key(api: ApiClient, server_id: int) -> Generator[str]:
    """A key for the time of this context."""
    created = api.post(f"/api/servers/{server_id}/keys", {"environment": "test"})
    try:
        yield created["secret"]
    finally:
        _revoke(api, server_id, created["key"])


def _revoke(api: ApiClient, server_id: int, key: dict[str, Any]) -> None:
    try:
        api.delete(f"/api/servers/{server_id}/keys/{key['id']}")
    except click.ClickException as error:
        # What was found out is worth more.
        click.echo(f"{error.message} Then: mcp-obs keys revoke {key['prefix']}", err=True)


@contextmanager
def _interruptible() -> Generator[None]:
    """Ctrl-C and a supervisor's signal end what is within, and only that."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
