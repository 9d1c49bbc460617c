"""A web shop as an MCP server: fastmcp 4, streamable HTTP."""

import argparse
import asyncio
import json
import os
import random
from collections.abc import Mapping
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from fastmcp.tools import ToolResult
from pydantic import BaseModel, Field

import mcp_obs

Sku = Annotated[str, Field(description="Article number, for example 'TENT-2P'")]


class Product(BaseModel):
    """One article of the catalogue; prices in euro cents."""

    sku: str
    name: str
    price: int
    stock: int


CATALOGUE = {
    product.sku: product
    for product in [
        Product(sku="TENT-2P", name="Two-person tent", price=24900, stock=12),
        Product(sku="STOVE-G", name="Gas stove", price=5900, stock=40),
        Product(sku="LAMP-H", name="Head lamp", price=3400, stock=75),
        Product(sku="BAG-DOWN", name="Down sleeping bag", price=31900, stock=0),
        Product(sku="MAT-S", name="Sleeping mat", price=8900, stock=22),
        Product(sku="KNIFE-F", name="Folding knife", price=4700, stock=31),
    ]
}
PAYABLE_WITH = {"visa", "mastercard", "sepa", "invoice"}
ORDERS = {"A-1001": "shipped", "A-1002": "packed", "A-1003": "delivered"}
ORDERS_AT_THE_OLD_WAREHOUSE = {"W-0007"}

backend = random.Random(37)


def create_server(users: Mapping[str, str]) -> FastMCP:
    """Build the server; with `users` (token to user) it asks for a bearer token."""
    tokens = {
        token: {"client_id": user, "sub": user, "scopes": ["shop:order"]} for token, user in users.items()
    }
    return FastMCP("shop", version="1.8.1", auth=StaticTokenVerifier(tokens) if tokens else None)


server = create_server(json.loads(os.environ.get("EXAMPLE_USERS", "{}")))

mcp_obs.configure_mcp_telemetry(server_name="shop")
mcp_obs.instrument(server)


@server.tool
async def search_products(query: str, max_price: int | None = None) -> list[Product]:
    """Search the catalogue; prices in euro cents."""
    await asyncio.sleep(backend.uniform(0.02, 0.08))
    return [
        product
        for product in CATALOGUE.values()
        if query.lower() in product.name.lower() and (max_price is None or product.price <= max_price)
    ]


@server.tool
async def get_product(sku: Sku) -> Product:
    """One article with its price and stock."""
    await asyncio.sleep(backend.uniform(0.002, 0.01))
    return find(sku)


@server.tool
async def add_to_cart(sku: Sku, quantity: Annotated[int, Field(ge=1, le=20)] = 1) -> str:
    """Reserve an article for this customer."""
    product = find(sku)
    await asyncio.sleep(backend.uniform(0.01, 0.03))
    if quantity > product.stock:
        raise ToolError(f"{product.name} is out of stock: {product.stock} left")
    return f"{quantity} x {product.name} in the cart"


@server.tool
async def checkout(total: Annotated[int, Field(gt=0)], payment: str) -> ToolResult:
    """Pay for the cart; a declined payment is a result with an error in it."""
    await asyncio.sleep(backend.uniform(0.12, 0.35))
    if payment not in PAYABLE_WITH:
        return ToolResult(content=f"Payment by {payment} was declined", is_error=True)
    return ToolResult(content=f"Paid {total / 100:.2f} EUR by {payment}")


@server.tool
async def order_status(order_id: str) -> str:
    """Where an order is."""
    await asyncio.sleep(backend.uniform(0.005, 0.02))
    if order_id in ORDERS_AT_THE_OLD_WAREHOUSE:
        raise TimeoutError("the old warehouse did not answer in time")
    if order_id not in ORDERS:
        raise ToolError(f"There is no order {order_id}")
    return ORDERS[order_id]


@server.tool
async def recommend(sku: Sku) -> list[Product]:
    """Articles that sell well together with this one; slow, it asks a model."""
    product = find(sku)
    await asyncio.sleep(backend.uniform(0.25, 0.6))
    return [other for other in CATALOGUE.values() if other.sku != product.sku and other.stock > 0][:3]


@server.resource("shop://catalogue")
def catalogue() -> str:
    """The whole catalogue."""
    return json.dumps([product.model_dump() for product in CATALOGUE.values()])


@server.prompt
def gift_ideas(person: str, budget: str) -> str:
    """Ask for presents within a budget."""
    return f"Search the shop for three presents for {person} that cost {budget} euros together."


def find(sku: str) -> Product:
    """Return an article.

    Raises:
        ToolError: the catalogue does not have it.
    """
    if sku not in CATALOGUE:
        raise ToolError(f"Unknown article: {sku}")
    return CATALOGUE[sku]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8003)
    server.run("http", port=parser.parse_args().port, show_banner=False, log_level="warning")
