"""Where the demo's parts listen and where its files lie."""

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

import click

HOST = "127.0.0.1"
DEFAULT_PORT = 4318


@dataclass(frozen=True)
class Checkout:
    """The parts of a checkout that the demo runs; a wheel does not carry them."""

    examples: Path
    mcp1_python: Path

    @classmethod
    def around(cls, file: Path) -> "Checkout":
        """Find the checkout that holds `file`.

        Raises:
            click.ClickException: no folder above it has the examples, or mcp 1.x is not installed.
        """
        for folder in file.resolve().parents:
            if (folder / "examples" / "weather" / "server.py").is_file():
                return cls(folder / "examples", mcp1_python(folder))
        raise click.ClickException(
            "The demo runs the example servers of a checkout: clone mcp-obs, then `make demo`."
        )


def mcp1_python(checkout: Path) -> Path:
    """The interpreter that has mcp 1.x; it cannot share an environment with mcp 2.x."""
    for python in (checkout / ".venv-mcp1/bin/python", checkout / ".venv-mcp1/Scripts/python.exe"):
        if python.is_file():
            return python
    raise click.ClickException(f"The notes example needs {checkout / '.venv-mcp1'}: run `make install`.")


def is_free(port: int) -> bool:
    """Whether a server may listen on the port now."""
    with contextlib.closing(socket.socket()) as listener:
        # As servers do: a port whose last connections are still closing counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def choose_port(wanted: int | None) -> int:
    """The port asked for, else the default one, else any free one.

    Raises:
        click.ClickException: the port asked for is taken.
    """
    if wanted is None:
        return DEFAULT_PORT if is_free(DEFAULT_PORT) else free_port()
    if not is_free(wanted):
        raise click.ClickException(f"Port {wanted} is taken; choose another with --port, or leave it out.")
    return wanted
