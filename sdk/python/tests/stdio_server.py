"""Serves one library line on stdin and stdout; telemetry goes where the environment says."""

import sys

from sdk_kit.lines import installed_lines

import mcp_obs

if __name__ == "__main__":
    line = installed_lines()[sys.argv[1]]
    mcp_obs.configure_mcp_telemetry()
    line.run_stdio(mcp_obs.instrument(line.build()))
