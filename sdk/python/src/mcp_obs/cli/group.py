"""The group of verbs, and how it ends: exit code 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

import click

ENTRY_POINTS = "mcp_obs.commands"


class VerbGroup(click.Group):
    """Verbs from entry points, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs that are installed."""
        return sorted(_verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        verb = _verbs().get(cmd_name)
        if verb is None:
            return None
        command = verb.load()
        assert isinstance(command, click.Command)
        return command


def _verbs() -> dict[str, EntryPoint]:
    return {verb.name: verb for verb in entry_points(group=ENTRY_POINTS)}


def _epilog() -> str | None:
    return None if "start" in _verbs() else "The verbs of the server come with: pip install mcp-obs-server"


@click.group(cls=VerbGroup, epilog=_epilog(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mcp-obs", message="%(prog)s %(version)s")
def verbs() -> None:
    """See what happens inside your MCP servers."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code."""
    try:
        code = verbs.main(list(arguments), "mcp-obs", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OSError as error:
        click.echo(f"Error: Can't write the answer: {error.strerror}.", err=True)
        return 1
    except click.Abort as error:
        return 130 if isinstance(error.__cause__, KeyboardInterrupt) else 1
    return code if isinstance(code, int) else 0
