"""Serves one library line on stdin and stdout; telemetry goes where the environment says."""

import sys

from sdk_kit.asking import ASKING, telling_lines
from sdk_kit.lines import installed_lines

import mcp_obs

if __name__ == "__main__":
    name, *kit = sys.argv[1:]
    line = {each.name: each for each in telling_lines()}[name] if kit == [ASKING] else installed_lines()[name]
    mcp_obs.configure_mcp_telemetry()
    line.run_stdio(mcp_obs.instrument(line.build()))
