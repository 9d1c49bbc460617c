"""Prints the API's description: `python -m mcp_obs_server.openapi > contract/openapi.json`."""

import json
import sys

from mcp_obs_server.api import build_api


def main() -> None:
    """Write the document, always in the same order."""
    json.dump(build_api().openapi(), sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
