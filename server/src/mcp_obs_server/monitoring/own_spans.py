"""Where mcp-obs's own spans go: into its own store, in this process and past every door."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

log = logging.getLogger(__name__)

SERVICE = "mcp-obs"
VERSION = version("mcp-obs-server")

Store = Callable[[bytes], Coroutine[None, None, None]]
"""Returns once an ExportTraceServiceRequest is durable."""

_STORE_SECONDS = 10.0
_EVERY_MILLISECONDS = 5000
_MOST_WAITING = 2048
_BATCH = 512


@asynccontextmanager
async def own_provider(store: Store) -> AsyncGenerator[TracerProvider]:
    """A provider whose spans are stored every few seconds, and once more on leaving.

    Every argument is given: the SDK would take what is missing from the environment.
    """
    exporter = _OwnExporter(store, asyncio.get_running_loop())
    resource = {"service.name": SERVICE, "service.version": VERSION, "service.instance.id": str(uuid4())}
    provider = TracerProvider(sampler=ALWAYS_ON, resource=Resource(resource), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, _MOST_WAITING, _EVERY_MILLISECONDS, _BATCH, _STORE_SECONDS * 1000)
    )
    try:
        yield provider
    finally:
        # The last batch is stored by this loop, so it must go on meanwhile.
        await asyncio.to_thread(provider.shutdown)


class _OwnExporter(SpanExporter):
    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """In the SDK's own thread; spans that can't be stored are lost, and nothing else is."""
        body = encode_spans(spans).SerializeToString()
        stored = asyncio.run_coroutine_threadsafe(self._store(body), self._loop)
        try:
            stored.result(_STORE_SECONDS)
        except Exception as error:  # noqa: BLE001  whatever it is, only these spans are lost
            stored.cancel()
            log.warning("%d own spans were not stored: %s", len(spans), error or type(error).__name__)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS
