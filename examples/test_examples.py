"""The example servers, each called by a real client over its real transport."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import httpx2
import pytest
from inline_snapshot import snapshot
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from ports import reserved_port

EXAMPLES = Path(__file__).parent
MCP1_PYTHON = EXAMPLES.parent / ".venv-mcp1/bin/python"
START_SECONDS = 60
USERS = {"token-of-ana": "ana@example.com"}

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def serving(name: str, environment: dict[str, str]) -> Generator[str]:
    """Run an HTTP example; yield its MCP endpoint."""
    with reserved_port() as port:
        command = [sys.executable, str(EXAMPLES / name / "server.py"), "--port", str(port)]
        process = subprocess.Popen(command, env={**os.environ, **environment})  # noqa: S603  our own script
        try:
            wait_until_listening(process, port)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return as soon as the process accepts connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the example ended with {process.returncode}"
        with closing(socket.socket()) as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the example does not listen")


@pytest.fixture(scope="module")
def weather() -> Generator[str]:
    with serving("weather", {}) as url:
        yield url


@pytest.fixture(scope="module")
def shop() -> Generator[str]:
    with serving("shop", {}) as url:
        yield url


@asynccontextmanager
async def notes() -> AsyncGenerator[Client]:
    """A client with a notebook of its own."""
    server = StdioServerParameters(command=str(MCP1_PYTHON), args=[str(EXAMPLES / "notes" / "server.py")])
    async with Client(server, mode="legacy") as client:
        yield client


def said(result: CallToolResult) -> tuple[bool | None, str]:
    """Whether a result is an error, and its text."""
    return result.is_error, "".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_weather_answers_clients_of_both_eras(weather: str, mode: str) -> None:
    async with Client(weather, mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        conditions = await client.call_tool("current_weather", {"city": "Oslo"})
        warmest_first = await client.call_tool("compare_cities", {"cities": ["Oslo", "Cairo"]})
    assert tools == snapshot(
        [
            "current_weather",
            "forecast",
            "air_quality",
            "historical_average",
            "severe_weather_alerts",
            "compare_cities",
        ]
    )
    assert conditions.structured_content is not None
    assert conditions.structured_content["summary"] == "snow"
    assert warmest_first.structured_content is not None
    assert [each["city"] for each in warmest_first.structured_content["result"]] == ["Cairo", "Oslo"]


async def test_weather_fails_for_unknown_cities_and_silent_stations(weather: str) -> None:
    async with Client(weather) as client:
        unknown = await client.call_tool("air_quality", {"city": "Atlantis"})
        silent = await client.call_tool("air_quality", {"city": "Lima"})
        unlisted = await client.call_tool("severe_weather_alerts", {"region": "oceania"})
        with pytest.raises(MCPError) as missing:
            await client.read_resource("weather://stations/Atlantis")
    assert [said(unknown), said(silent), said(unlisted)] == snapshot(
        [
            (True, "Error executing tool air_quality: Unknown city: Atlantis"),
            (True, "Error executing tool air_quality"),
            (True, "Error executing tool severe_weather_alerts: No alert feed covers oceania"),
        ]
    )
    assert missing.value.error.code == -32602


async def test_weather_offers_its_stations_and_a_prompt(weather: str) -> None:
    async with Client(weather) as client:
        stations = await client.read_resource("weather://stations")
        prompt = await client.get_prompt("packing_list", {"city": "Oslo", "days": "3"})
    assert json.loads(stations.contents[0].model_dump()["text"])["Oslo"] == 59.9
    assert prompt.messages[0].content.model_dump()["text"] == snapshot(
        "Look up the forecast for 3 days in Oslo and write a packing list for one carry-on bag."
    )


async def test_notes_changes_what_it_may() -> None:
    async with notes() as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        created = await client.call_tool("create_note", {"title": "Idea", "body": "Smaller."})
        appended = await client.call_tool("append_to_note", {"note_id": 7, "text": "Done."})
        deleted = await client.call_tool("delete_note", {"note_id": 3})
        index = await client.read_resource("notes://index")
    assert tools == snapshot(
        ["create_note", "get_note", "search_notes", "append_to_note", "delete_note", "summarize_notes"]
    )
    assert json.loads(said(created)[1]) == snapshot(
        {"title": "Idea", "body": "Smaller.", "tags": [], "locked": False, "id": 7}
    )
    assert json.loads(said(appended)[1])["body"] == "Smaller.\n\nDone."
    assert said(deleted) == snapshot((False, "Deleted 'Bread'"))
    assert "Idea" in index.contents[0].model_dump()["text"]


async def test_notes_fails_for_missing_and_locked_notes_and_for_an_unused_tag() -> None:
    async with notes() as client:
        missing = await client.call_tool("get_note", {"note_id": 404})
        locked = await client.call_tool("delete_note", {"note_id": 1})
        unused = await client.call_tool("summarize_notes", {"tag": "travel"})
    assert [said(missing), said(locked), said(unused)] == snapshot(
        [
            (True, "Error executing tool get_note: There is no note 404"),
            (True, "Error executing tool delete_note: 'Roadmap' is locked"),
            (True, "Error executing tool summarize_notes: max() arg is an empty sequence"),
        ]
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_shop_answers_clients_of_both_eras(shop: str, mode: str) -> None:
    async with Client(shop, mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found = await client.call_tool("search_products", {"query": "lamp"})
        paid = await client.call_tool("checkout", {"total": 3400, "payment": "visa"})
        catalogue = await client.read_resource("shop://catalogue")
        prompt = await client.get_prompt("gift_ideas", {"person": "Ana", "budget": "50"})
    assert tools == snapshot(
        ["search_products", "get_product", "add_to_cart", "checkout", "order_status", "recommend"]
    )
    assert found.structured_content == snapshot(
        {"result": [{"sku": "LAMP-H", "name": "Head lamp", "price": 3400, "stock": 75}]}
    )
    assert said(paid) == snapshot((False, "Paid 34.00 EUR by visa"))
    assert len(json.loads(catalogue.contents[0].model_dump()["text"])) == 6
    assert prompt.messages[0].content.model_dump()["text"] == snapshot(
        "Search the shop for three presents for Ana that cost 50 euros together."
    )


async def test_shop_fails_by_stock_payment_and_warehouse(shop: str) -> None:
    async with Client(shop) as client:
        out_of_stock = await client.call_tool("add_to_cart", {"sku": "BAG-DOWN"})
        declined = await client.call_tool("checkout", {"total": 100, "payment": "voucher"})
        silent = await client.call_tool("order_status", {"order_id": "W-0007"})
    assert [said(out_of_stock), said(declined), said(silent)] == snapshot(
        [
            (True, "Down sleeping bag is out of stock: 0 left"),
            (True, "Payment by voucher was declined"),
            (True, "Error calling tool 'order_status': the old warehouse did not answer in time"),
        ]
    )


@pytest.mark.parametrize("name", ["weather", "shop"])
async def test_http_examples_with_users_let_in_only_their_tokens(name: str) -> None:
    with serving(name, {"EXAMPLE_USERS": json.dumps(USERS)}) as url:
        async with httpx2.AsyncClient() as stranger:
            refused = await stranger.post(url, json={})
        headers = {"Authorization": "Bearer token-of-ana"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            tools = (await client.list_tools()).tools
    assert (refused.status_code, len(tools)) == (401, 6)
