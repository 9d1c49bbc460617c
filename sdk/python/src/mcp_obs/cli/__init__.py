"""The command `mcp-obs`. Its verbs come from entry points, most of them from mcp-obs-server."""

import sys

_NEEDS = frozenset({"click", "httpx2"})


def main() -> None:
    """Run the command line and exit."""
    # The SDK is used without the command far more often, so these packages are an extra.
    try:
        from mcp_obs.cli.group import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _NEEDS:
            raise
        sys.exit("Error: The command needs more packages: pip install 'mcp-obs[cli]'")
    sys.exit(run(sys.argv[1:]))
