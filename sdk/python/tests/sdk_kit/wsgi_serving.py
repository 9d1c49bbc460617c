"""A WSGI application on a free port of 127.0.0.1, and an ASGI one inside of it."""

import asyncio
import contextlib
import threading
from collections.abc import Generator
from typing import Any

from a2wsgi import ASGIMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from .lines import IS_MCP_1_9


class QuietHandler(WSGIRequestHandler):
    """Says nothing of requests."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Nothing."""


@contextlib.contextmanager
def serving_wsgi(app: Any) -> Generator[str]:
    """Serve in threads; yields the base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


@contextlib.contextmanager
def as_wsgi(app: Any) -> Generator[Any]:
    """An ASGI application as a WSGI one, in a loop of its own with its lifespan, which a2wsgi leaves out."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    has_begun, is_over = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            has_begun.set()
            await is_over.wait()

    living = asyncio.run_coroutine_threadsafe(live(), loop)
    assert has_begun.wait(60)
    try:
        yield ASGIMiddleware(app, loop=loop)
    finally:
        loop.call_soon_threadsafe(is_over.set)
        ending = living.exception(60)
        # A server of mcp 1.9 does not end in order.
        assert ending is None or IS_MCP_1_9, ending
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
