"""An ASGI application on a free port of 127.0.0.1."""

import contextlib
import socket
import threading
from collections.abc import Generator
from typing import Any

import uvicorn


@contextlib.contextmanager
def serving(app: Any) -> Generator[str]:
    """Serve in a thread; yields the base URL. Clients that come before it is ready wait in the backlog."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)
