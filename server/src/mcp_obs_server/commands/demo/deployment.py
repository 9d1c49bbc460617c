"""The demo's whole cast: mcp-obs itself and the example servers that report to it."""

import json
import sys
import sysconfig
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import httpx2
from rich.console import Console

from mcp_obs_server.commands.demo.addresses import HOST, Checkout, free_port
from mcp_obs_server.commands.demo.api import Api
from mcp_obs_server.commands.demo.catalogue import CATALOGUE, ServerName
from mcp_obs_server.commands.demo.children import START_SECONDS, Child, Children, listening
from mcp_obs_server.commands.demo.clients import Address, HttpAddress, StdioAddress
from mcp_obs_server.commands.demo.people import PEOPLE

Reporting = dict[ServerName, dict[str, str]]
"""The environment that tells each example where to report, and with which key."""
HTTP_EXAMPLES: tuple[ServerName, ...] = ("weather", "shop")


@dataclass(frozen=True)
class Registered:
    """One example server as mcp-obs knows it."""

    id: int
    key: str


@dataclass(frozen=True)
class Deployment:
    """Everything that runs, and how to reach it."""

    url: str
    data: Path
    api: Api
    children: Children
    registered: Mapping[ServerName, Registered]
    addresses: Mapping[ServerName, Address]


@asynccontextmanager
async def deploy(
    checkout: Checkout, port: int, data: Path, logs: Path, console: Console
) -> AsyncGenerator[Deployment]:
    """Start everything; stop it when the context ends.

    Raises:
        click.ClickException: a part did not start; the message says which and shows the end of its log.
    """
    url = f"http://{HOST}:{port}"
    async with Children(logs) as children:
        step(console, f"mcp-obs on {url}")
        await start_mcp_obs(children, port, data)
        async with Api.connect(url, read_access_token(data), children.log("mcp-obs")) as api:
            step(console, f"registering {', '.join(CATALOGUE)}")
            registered: dict[ServerName, Registered] = {}
            for name in CATALOGUE:
                server_id = await api.register(name)
                registered[name] = Registered(server_id, await api.create_key(server_id))
            step(
                console,
                "example servers: weather and claude-code-mcp (mcp 2), shop (fastmcp 4), notes (mcp 1)",
            )
            reporting: Reporting = {
                name: {"MCP_OBS_API_KEY": registered[name].key, "MCP_OBS_ENDPOINT": url} for name in CATALOGUE
            }
            addresses: dict[ServerName, Address] = await start_http_examples(children, checkout, reporting)
            script = str(checkout.examples / "notes" / "server.py")
            addresses["notes"] = StdioAddress(
                str(checkout.mcp1_python), (script,), reporting["notes"], children.log("notes")
            )
            addresses["claude-code-mcp"] = StdioAddress(
                sys.executable,
                ("-m", "claude_code_mcp"),
                {**reporting["claude-code-mcp"], **agents(checkout, logs)},
                children.log("claude-code-mcp"),
            )
            yield Deployment(url, data, api, children, registered, addresses)


async def start_mcp_obs(children: Children, port: int, data: Path) -> None:
    """Run `mcp-obs start` as a user would, on its embedded defaults."""
    command = Path(sysconfig.get_path("scripts")) / "mcp-obs"
    # The demo's servers report over HTTP; 4317 may be somebody else's.
    listening_on = ["--host", HOST, "--port", str(port), "--grpc-port", "0"]
    arguments = ["start", *listening_on, "--data-dir", str(data)]
    child = await children.start("mcp-obs", [str(command), *arguments], {})
    await listening(child, port)
    await answering(child, port)


async def answering(child: Child, port: int) -> None:
    """Wait until mcp-obs, which listens before it has opened its stores, answers requests."""
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=START_SECONDS) as http:
            response = await http.get(f"http://{HOST}:{port}/healthz")
    except httpx2.HTTPError as error:
        raise child.died() from error
    if response.is_error:
        raise click.ClickException(f"mcp-obs says it is not healthy: {response.text}")


def read_access_token(data: Path) -> str:
    """The owner's personal access token, which `mcp-obs start` keeps in its data folder."""
    file = data / "access-token"
    if not file.is_file():
        raise click.ClickException(f"{file} is missing: the data folder belongs to no running mcp-obs.")
    return file.read_text().strip()


async def start_http_examples(
    children: Children, checkout: Checkout, reporting: Reporting
) -> dict[ServerName, Address]:
    """Start the examples that listen, together, and wait until they do."""
    users = json.dumps({person.token: person.user for person in PEOPLE})
    ports: dict[ServerName, int] = {name: free_port() for name in HTTP_EXAMPLES}
    started: dict[ServerName, Child] = {
        name: await children.start(
            name,
            [sys.executable, str(checkout.examples / name / "server.py"), "--port", str(port)],
            {**reporting[name], "EXAMPLE_USERS": users},
        )
        for name, port in ports.items()
    }
    for name, child in started.items():
        await listening(child, ports[name])
    return {name: HttpAddress(f"http://{HOST}:{port}/mcp") for name, port in ports.items()}


def agents(checkout: Checkout, data: Path) -> dict[str, str]:
    """The environment of claude-code-mcp: a stand-in for the agent, and where sessions are kept until the demo ends."""
    return {
        "PYTHONPATH": str(checkout.examples),
        "CLAUDE_CODE_BINARY": str(checkout.examples / "claude_code_mcp" / "stand_in.py"),
        "CLAUDE_CODE_MCP_DATA": str(data / "agents"),
        "STAND_IN_HOME": str(data / "stand-in"),
    }


def step(console: Console, what: str) -> None:
    """Tell what starts now."""
    console.print(f"[bold]▸[/bold] {what}", highlight=False)
