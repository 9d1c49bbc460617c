"""All checks, in the order in which telemetry goes its way."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec

from mcp_obs.cli.doctor import libraries, network, reading_back, sending, server, settings
from mcp_obs.cli.doctor.check import Check
from mcp_obs.cli.doctor.kept import Export, Kept
from mcp_obs.cli.doctor.observing import Observation, observe, sample

_AFTER_NETWORK = ("HTTP", "key", "clock", "read back")


def installed_libraries() -> list[str]:
    """The MCP libraries of this Python, the one that stands on the other first."""
    return [library for library in ("fastmcp", "mcp") if find_spec(library) is not None]


def check_up(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Check]:
    """Look at the server of a command, or at this Python with servers of our own; sends what they record."""
    # The one operation of ours is to arrive, whatever is left out of others.
    observations = (
        [observe(command, environ)]
        if command
        else [
            sample(library, {**environ, "MCP_OBS_SAMPLER": "always_on"}, is_called=False)
            for library in installed_libraries()
        ]
    )
    kept = sum((each.kept for each in observations), Kept())
    yield from _of_this_side(command, environ, observations, kept)
    if kept.exports:
        yield from _of_the_way(kept.exports)


def _of_this_side(
    command: Sequence[str], environ: Mapping[str, str], observations: Sequence[Observation], kept: Kept
) -> Iterator[Check]:
    if not observations:
        yield Check(
            "libraries",
            "problem",
            f"Neither mcp nor fastmcp is installed in {sys.executable}.",
            "Install one, or name your server's own Python: mcp-obs doctor -- /path/to/python server.py",
        )
    else:
        yield from libraries.of_libraries(kept.server)
    for seen in observations:
        if command or seen.failure:
            yield from server.of_server(seen)
    yield from libraries.of_hooks(observations)
    yield from settings.of_settings(environ, kept.exports)
    for seen in observations:
        # Of servers of our own, it repeats what the configuration's check has said.
        is_silent = not seen.kept.exports and settings.would_send(environ)
        for said in seen.warnings if command or is_silent else ():
            yield Check("log", "warning", said)
        if not seen.failure:
            yield server.of_captured(seen, is_expected=settings.would_send(environ))


def _of_the_way(exports: Sequence[Export]) -> Iterator[Check]:
    ways = network.of_network(exports[0].url)
    yield from ways
    if ways[-1].status == "problem":
        yield from (Check(name, "skipped", f"{ways[-1].name} is in the way.") for name in _AFTER_NETWORK)
        return
    yield from _of_answers(exports)


def _of_answers(exports: Sequence[Export]) -> Iterator[Check]:
    answers: list[sending.Answer] = []
    for export in exports:
        try:
            answers.append(sending.send(export))
        except sending.NotSentError as error:
            yield Check("HTTP", "problem", f"{error}.", "See the collector's own log.")
            return
    # One word for each signal; the first of them that is refused says the most.
    told = {answer.export.signal: answer for answer in reversed(answers)}
    refused = next((answer for answer in answers if not answer.is_taken), None)
    for answer in [refused] if refused else reversed(told.values()):
        yield from sending.of_answer(answer)
    yield sending.of_clock(answers[0])
    traces = [answer.export for answer in answers if answer.is_taken and answer.export.signal == "traces"]
    if traces:
        yield reading_back.of_reading_back(traces[-1])
