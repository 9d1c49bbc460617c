"""What a server did when a client spoke with it."""

from collections import Counter
from collections.abc import Iterator

from mcp_obs.cli.doctor.check import Check
from mcp_obs.cli.doctor.observing import Observation


def of_server(seen: Observation) -> Iterator[Check]:
    """Whether it answers, and keeps its standard output to MCP."""
    said = f" It said: {' / '.join(seen.said)}" if seen.said else ""
    if seen.failure:
        yield Check(
            "server",
            "problem",
            f"{seen.name}: {seen.failure}.{said}",
            "Run the same command in a terminal: it has to wait for MCP messages on its standard input.",
        )
    else:
        tools = f"{len(seen.tools)} tools" if len(seen.tools) != 1 else "1 tool"
        yield Check("server", "ok", f"{seen.name} speaks protocol {seen.protocol_version} and has {tools}")
    if seen.strays:
        yield Check(
            "stdout",
            "warning",
            f"Standard output has what is no MCP message: {seen.strays[0]!r}",
            "Clients may give up on that: print to standard error, and log there.",
        )


def of_captured(seen: Observation, *, is_expected: bool) -> Check:
    """Which operations were recorded."""
    names = Counter(span.name for span in seen.kept.spans)
    if names:
        shown = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in names.items())
        return Check("operations", "ok", f"{seen.name} sends {sum(names.values())} spans: {shown}")
    if not is_expected:
        return Check("operations", "skipped", f"As it is configured, {seen.name} sends no span over OTLP.")
    return Check(
        "operations",
        "problem",
        f"{seen.name} would send no span of what its client asked.",
        "See what the other checks say of its configuration and its hooks, and whether a sampler leaves all out.",
    )
