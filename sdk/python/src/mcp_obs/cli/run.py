"""`mcp-obs run`: a program whose MCP servers are recorded, without a change to it."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from mcp_obs import _run

_PYTHON = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?", re.IGNORECASE)


# The exit codes are what shells say.
class NoProgram(click.ClickException):
    """A program that isn't there."""

    exit_code = 127


class NotRunnable(click.ClickException):
    """A program that can't be run."""

    exit_code = 126


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="",
)
@click.argument(
    "command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- PROGRAM [ARGUMENT]..."
)
def run(command: tuple[str, ...]) -> None:
    """Run a program, and record every MCP server in it.

    MCP_OBS_API_KEY, MCP_OBS_ENDPOINT and MCP_OBS_SERVER_NAME say where telemetry goes. The program keeps
    its standard streams, its exit code and its signals. mcp-obs has to be installed where the program's
    Python finds it.

    \b
    mcp-obs run -- python server.py
    """
    program, *_ = command
    path = shutil.which(program)
    if path is None:
        raise NoProgram(f"There is no program {program!r} on the PATH.")
    option = unrecorded_by(command)
    if option is not None:
        click.echo(
            f"mcp-obs records nothing here: {program} {option} leaves out what instruments its servers. "
            f"Run it without {option}, or call mcp_obs.instrument(server) in the program.",
            err=True,
        )
    _become(path, command, recording(os.environ))


def unrecorded_by(command: Sequence[str]) -> str | None:
    """The option by which a Python ignores PYTHONPATH (-E, -I) or sitecustomize (-S), if there is one."""
    program, *arguments = command
    if not _PYTHON.fullmatch(Path(program).name):
        return None
    words = iter(arguments)
    for word in words:
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return None
        for place, letter in enumerate(word[1:], start=2):
            if letter in "EIS":
                return f"-{letter}"
            if letter in "cm":  # the program
                return None
            if letter in "WX":  # the rest is a value, or the next word is
                if place == len(word):
                    next(words, None)
                break
    return None


def recording(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment whose Python programs are recorded."""
    return {**environ, "PYTHONPATH": _python_path(environ.get("PYTHONPATH"))}


def _python_path(before: str | None) -> str:
    """Ours first, as the first sitecustomize is the one that runs."""
    ours = str(Path(_run.__file__).parent)
    others = [place for place in (before or "").split(os.pathsep) if place and place != ours]
    return os.pathsep.join([ours, *others])


def _become(path: str, command: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    if os.name == "nt":  # which has no exec: a shell would go on at once
        sys.exit(subprocess.call(command, executable=path, env=environment))  # noqa: S603  what it is for
    try:
        os.execve(path, command, environment)  # noqa: S606  what it is for
    except OSError as error:
        reason = "it has no #! line" if error.errno == errno.ENOEXEC else error.strerror
        raise NotRunnable(f"{path} can't be run: {reason}.") from error
