"""Runs the application until it is told to stop."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from mcp_obs_server.app import Application, open_application
from mcp_obs_server.control_plane import ControlPlaneError, unreachable
from mcp_obs_server.http_protocol import with_door
from mcp_obs_server.ingest.grpc_listener import GrpcListener
from mcp_obs_server.servers.bootstrap import FirstStart
from mcp_obs_server.settings import Settings
from mcp_obs_server.store import StoreError

# An export that is under way may finish; a browser's idle connection need not.
_SHUTDOWN_SECONDS = 5
# Ctrl-C, a supervisor, a closed terminal.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The control plane's database went away while everything was opened; other errors of the system are the folder's.
_AWAY = (SQLAlchemyError, ConnectionError, TimeoutError, socket.gaierror)


class StartupError(Exception):
    """The server can't start, or has to start again; the message says what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where requests are answered."""

    base_url: str
    """API, dashboard and OTLP/HTTP."""
    grpc_url: str
    """OTLP/gRPC."""


OnReady = Callable[[Addresses, FirstStart | None], None]


def serve(settings: Settings, on_ready: OnReady) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. `on_ready` is called once requests are answered.

    Raises StartupError, also when another process said meanwhile that this one is gone.
    """
    with _listen(settings.host, settings.port, "--port") as listener:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(settings, listener, on_ready))
        except (StoreError, ControlPlaneError) as error:
            raise StartupError(str(error)) from error
        except _AWAY as error:
            raise StartupError(str(unreachable(settings.control_url, error))) from error
        except OSError as error:
            raise StartupError(f"Can't use {settings.data_dir}: {error}") from error


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise StartupError(
            f"Can't listen on {host}:{port} ({os.strerror(error.errno or 0)}): choose another {option}."
        ) from error


def _listen_for_grpc(settings: Settings) -> GrpcListener:
    host, port = settings.host, settings.otlp_grpc_port
    # gRPC opens its own socket and would not say why it can't.
    _listen(host, port, "--grpc-port").close()
    return GrpcListener(host, port, settings.max_grpc_message_bytes)


async def _serve(settings: Settings, listener: socket.socket, on_ready: OnReady) -> None:
    # Before anything is opened: the first start's key is shown only once, so nothing may fail after it is made.
    grpc_listener = _listen_for_grpc(settings)
    async with open_application(settings) as application, grpc_listener.serving(application.otlp_grpc):
        _collect_garbage_seldom()
        addresses = _addresses(settings, listener.getsockname()[1], grpc_listener.port)
        server = _Server(application, lambda: on_ready(addresses, application.first_start))
        await server.serve(sockets=[listener])
    if application.registration and application.registration.was_forgotten:
        raise StartupError(
            "This process was forgotten (`mcp-obs processes forget`) while it was silent: start it again."
        )


def _collect_garbage_seldom() -> None:
    """Collections took a third of the time of small exports, looking through what is there until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _addresses(settings: Settings, port: int, grpc_port: int) -> Addresses:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base_url = settings.public_url or f"http://{host}:{port}"
    return Addresses(base_url.rstrip("/"), f"http://{host}:{grpc_port}")


class _Server(uvicorn.Server):
    """uvicorn, saying when it answers."""

    def __init__(self, application: Application, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=with_door(application.otlp, application.refused_requests),
                lifespan="off",
                ws="none",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,  # nothing here asks for the client's address
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._on_started = on_started

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop in order. uvicorn's own would raise them again before anything is closed."""
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the sockets, then tell."""
        await super().startup(sockets)
        self._on_started()
