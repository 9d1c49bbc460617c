"""One run of the demo, from the first child process to the last one's end."""

import shlex
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio
import click
from rich.console import Console

from mcp_obs.cli.program import program
from mcp_obs_server.commands.demo.addresses import DEFAULT_PORT, Checkout, choose_port, free_port
from mcp_obs_server.commands.demo.check import check
from mcp_obs_server.commands.demo.deployment import Deployment, deploy
from mcp_obs_server.commands.demo.exports import fill
from mcp_obs_server.commands.demo.live import live

STOPPED = 130  # the shell's exit code for a command that Ctrl-C ended
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Options:
    """What the command was asked for."""

    check: bool
    history_days: int
    port: int | None
    data: Path | None


def run(options: Options, console: Console) -> int:
    """Run the demo until it is done or stopped; return the exit code.

    Raises:
        click.ClickException: a part of it failed; everything is stopped already.
    """
    checkout = Checkout.around(Path(__file__))
    with tempfile.TemporaryDirectory(prefix="mcp-obs-demo-") as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        data = options.data or Path(folder) / "data"
        try:
            return anyio.run(run_until_stopped, options, checkout, data, logs, console)
        except BaseExceptionGroup as group:
            raise first_click_exception(group) from group


async def run_until_stopped(
    options: Options, checkout: Checkout, data: Path, logs: Path, console: Console
) -> int:
    """Run the demo; a signal ends it early and in order."""
    exit_code = STOPPED if options.check else 0
    with anyio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async with anyio.create_task_group() as tasks:

            async def stop_on_signal() -> None:
                async for _ in signals:
                    console.print("stopping …")
                    tasks.cancel_scope.cancel()

            tasks.start_soon(stop_on_signal)
            port = choose_demo_port(options, console)
            async with deploy(checkout, port, data, logs, console) as deployment:
                exit_code = await watched(deployment, lambda: perform(options, deployment, console))
            tasks.cancel_scope.cancel()
    return exit_code


def choose_demo_port(options: Options, console: Console) -> int:
    """The port for mcp-obs; a check takes any free one, to disturb nobody."""
    if options.check and options.port is None:
        return free_port()
    port = choose_port(options.port)
    if options.port is None and port != DEFAULT_PORT:
        console.print(f"Port {DEFAULT_PORT} is taken; using {port}.", highlight=False)
    return port


async def perform(options: Options, deployment: Deployment, console: Console) -> int:
    """Do what was asked for with everything running."""
    if options.check:
        return 0 if await check(deployment, console) else 1
    if options.history_days:
        await fill(deployment, options.history_days, console)
    console.print(f"\n  Dashboard  [bold]{await deployment.api.sign_in_link()}[/bold]", soft_wrap=True)
    console.print("  The link signs you in once; this command makes another:")
    console.print(f"  {link_command(deployment)}\n", soft_wrap=True, highlight=False)
    await live(deployment, console)
    return 0


def link_command(deployment: Deployment) -> str:
    """What to type for another sign-in link."""
    where = ["--url", deployment.url, "--data-dir", str(deployment.data)]
    return shlex.join([program(), "sign-in-link", *where])


async def watched(deployment: Deployment, act: Callable[[], Awaitable[int]]) -> int:
    """Act while every child lives.

    Raises:
        ChildDied: one ended.
    """
    exit_code = 0
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deployment.children.watch)
            exit_code = await act()
            tasks.cancel_scope.cancel()
    except Exception:
        # A client may notice a dead server first; its end says more.
        with anyio.move_on_after(1):
            await deployment.children.watch()
        raise
    return exit_code


def first_click_exception(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure to show: the first meant for a person, else the first of all."""
    meant, _ = group.split(click.ClickException)
    failure: BaseException = meant or group
    while isinstance(failure, BaseExceptionGroup):
        failure = cast("BaseExceptionGroup[BaseException]", failure).exceptions[0]
    return failure


def console_for_people() -> Console:
    """The console that all of the demo's lines go to."""
    return Console(file=sys.stdout)
