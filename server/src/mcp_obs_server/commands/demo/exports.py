"""Sends the generated past through the door that every SDK uses."""

import gzip
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import islice

import anyio
import click
import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from rich.console import Console

from mcp_obs import semconv
from mcp_obs_server.commands.demo.catalogue import ServerName
from mcp_obs_server.commands.demo.deployment import Deployment, step
from mcp_obs_server.commands.demo.history import GeneratedSpan, generate
from mcp_obs_server.commands.otlp import attribute
from mcp_obs_server.semconv import CALL_METHODS

SEED = 4318
BATCH = 2000
ATTEMPTS = 20
LONGEST_RANGE = "90d"
SHOWN_SECONDS, SHOWN_PAUSE_SECONDS = 120, 0.25
SHOWN_ATTEMPTS = int(SHOWN_SECONDS / SHOWN_PAUSE_SECONDS)
SCOPE = InstrumentationScope(name="mcp_obs", version=version("mcp-obs"))


async def fill(deployment: Deployment, days: int, console: Console) -> None:
    """Fill the last `days` of every example server, unless generated calls are there already."""
    end = datetime.now(UTC)
    start = (end - timedelta(days=days)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if await has_history(deployment):
        step(console, "history: already there")
        return
    step(console, f"history: generated calls of {days} day{'s' if days > 1 else ''}")
    began, sent = time.monotonic(), 0
    calls = dict.fromkeys(deployment.registered, 0)
    with console.status("") as status:
        async with httpx2.AsyncClient(trust_env=False, base_url=deployment.url, timeout=60) as http:
            for name, server in deployment.registered.items():
                for spans in batches(generate(name, start, end, SEED)):
                    await export(http, server.key, request(name, spans))
                    sent += len(spans)
                    calls[name] += sum(map(is_call, spans))
                    status.update(f"{name}: {sent:,} spans")
        status.update("waiting until the dashboard shows them")
        await wait_until_shown(deployment, calls)
    console.print(f"  {sent:,} spans in {time.monotonic() - began:.1f} s", highlight=False)


async def wait_until_shown(deployment: Deployment, calls: Mapping[ServerName, int]) -> None:
    """Wait until the dashboard counts every generated call: a span is acknowledged before it can be queried.

    Raises:
        click.ClickException: some were still missing after a bounded wait.
    """
    for _ in range(SHOWN_ATTEMPTS):
        if await generated_calls(deployment) == calls:
            return
        await anyio.sleep(SHOWN_PAUSE_SECONDS)
    raise click.ClickException(
        f"The dashboard does not show the generated past {SHOWN_SECONDS} s after mcp-obs took it."
    )


def is_call(span: GeneratedSpan) -> bool:
    """Whether the dashboard counts it as a call."""
    return span.attributes[semconv.MCP_METHOD_NAME] in CALL_METHODS


async def has_history(deployment: Deployment) -> bool:
    """Whether an earlier demo filled this data folder."""
    return any((await generated_calls(deployment)).values())


async def generated_calls(deployment: Deployment) -> dict[ServerName, int]:
    """How many of each server's calls on the dashboard are generated ones."""
    return {
        name: (await deployment.api.overview(server.id, LONGEST_RANGE))["generated_calls"]
        for name, server in deployment.registered.items()
    }


async def export(http: httpx2.AsyncClient, key: str, body: ExportTraceServiceRequest) -> None:
    """Send one batch until it is acknowledged, as patiently as a busy server asks for.

    Raises:
        click.ClickException: the server refused it, or stayed busy.
    """
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "gzip",
    }
    content = gzip.compress(body.SerializeToString(), compresslevel=1)
    response = await http.post("/v1/traces", content=content, headers=headers)
    for _ in range(ATTEMPTS):
        if response.status_code not in (429, 503):
            break
        await anyio.sleep(float(response.headers.get("Retry-After", "1")))
        response = await http.post("/v1/traces", content=content, headers=headers)
    if response.is_error:
        raise click.ClickException(f"The history was refused with {response.status_code}: {response.text}")


def batches(spans: Iterable[GeneratedSpan]) -> Iterator[Sequence[GeneratedSpan]]:
    """Cut the spans into exports."""
    rest = iter(spans)
    while batch := tuple(islice(rest, BATCH)):
        yield batch


def request(service: str, spans: Iterable[GeneratedSpan]) -> ExportTraceServiceRequest:
    """One export, as an SDK's exporter builds it."""
    resource = Resource(attributes=[attribute("service.name", service)])
    scope_spans = ScopeSpans(scope=SCOPE, spans=map(encode, spans))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope_spans])]
    )


def encode(span: GeneratedSpan) -> Span:
    """One span as OTLP."""
    encoded = Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        name=span.name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=[attribute(name, value) for name, value in span.attributes.items()],
    )
    if span.failure is not None:
        encoded.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=span.failure.message))
        details = (
            attribute("exception.type", span.failure.type),
            attribute("exception.message", span.failure.message),
        )
        encoded.events.add(name="exception", time_unix_nano=span.end, attributes=details)
    return encoded
