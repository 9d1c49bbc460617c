"""What could not be hooked in the installed libraries: told once to the log, and kept for `mcp-obs doctor`."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from mcp_obs._guard import logger

# What the adapters were proven on.
PROVEN = {"mcp": "1.9 to 1.30 and 2.0 to 2.3", "fastmcp": "2.14, 3.0 to 3.4 and 4.0 to 4.2"}


class Finding(NamedTuple):
    """A hook that is not where it was, and what is not recorded for want of it."""

    library: str
    version: str
    hook: str
    consequence: str

    def __str__(self) -> str:
        return (
            f"{self.library} {self.version} has no {self.hook} that mcp-obs knows: {self.consequence}. "
            f"Upgrade mcp-obs, or use {self.library} {PROVEN[self.library]}."
        )


_found: dict[Finding, None] = {}


def report(library: str, hook: str, consequence: str) -> None:
    """Keep a missing or changed hook of `library` ("mcp" or "fastmcp"), and warn of it the first time."""
    finding = Finding(library, version_of(library), hook, consequence)
    if finding not in _found:
        _found[finding] = None
        logger.warning("%s", finding)


def findings() -> tuple[Finding, ...]:
    """Everything that was found missing since the process started, in that order."""
    return tuple(_found)


def library_of(server: Any) -> str | None:
    """The library that a server's class comes from, "mcp" or "fastmcp", which may stand on mcp's; None for neither."""
    libraries = {kind.__module__.partition(".")[0] for kind in type(server).__mro__}
    return next((library for library in ("fastmcp", "mcp") if library in libraries), None)


def version_of(library: str) -> str:
    """The installed version."""
    try:
        return version(library)
    except PackageNotFoundError:  # a copy without its metadata
        return "of unknown version"
