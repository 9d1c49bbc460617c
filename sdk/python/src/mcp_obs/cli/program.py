"""How the user calls this command, for the commands that we print."""

import sys
from pathlib import Path


def program() -> str:
    """`mcp-obs`, or the relative path that was typed: then the bare name may not be on the PATH."""
    typed = Path(sys.argv[0])
    return (
        str(typed) if typed.name == "mcp-obs" and not typed.is_absolute() and typed.parts[1:] else "mcp-obs"
    )
