"""fastmcp 4.x with the OpenTelemetry SDK and nothing of ours."""

import anyio
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
server = FastMCP("native")


@server.tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@server.tool
def fail() -> str:
    """Fail."""
    raise ToolError("broken")


async def main() -> None:
    async with Client(server) as client:
        await client.call_tool("add", {"a": 1, "b": 2})
        await client.call_tool("add", {"a": 3, "b": 4})
        await client.call_tool("fail", {}, raise_on_error=False)


anyio.run(main)
provider.shutdown()
