"""Serves one library line on stdin and stdout, and knows nothing of mcp-obs."""

import sys

from sdk_kit.lines import installed_lines

if __name__ == "__main__":
    line = installed_lines()[sys.argv[1]]
    line.run_stdio(line.build())
