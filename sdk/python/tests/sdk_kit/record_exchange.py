"""Fills in what a server answers to the client's messages of an exchange, and the telemetry that it gives.

    python -m sdk_kit.record_exchange NAME...     (from sdk/python/tests; --all records every one again)

Read the difference before you commit it: what is recorded is what every SDK must give from then on.
"""

import argparse
import os
import sys
from itertools import zip_longest
from typing import Any, cast

import anyio

from .exchange import FOLDER, PLACEHOLDERS, Exchange, matches, matches_points, read, read_all
from .lines import Line, installed_lines
from .recording import Recording
from .replay import RAISED_BY_FAIL, Replay, order_of_point

# What an answer must have, on every library; its other members may differ.
KEPT = frozenset(
    {
        "protocolVersion",
        "isError",
        "content",
        "contents",
        "messages",
        "resultType",
        "completion",
        "supportedVersions",
    }
)
VARIES = {
    "mcp_obs.response.size": "<int>",
    # Whether a result is structured too is up to the library.
    "mcp_obs.response.shape": "<any>",
    "client.port": "<int>",
}
# What the server asks, it words and numbers itself.
OF_QUESTIONS = {"jsonrpc.request.id": "<any>", "mcp_obs.request.size": "<int>"}
SESSION_IDS = ("mcp.session.id", "mcp_obs.session.id")


def recorded_on(exchange: Exchange) -> Line | None:
    """The first installed line that the exchange concerns."""
    return next((line for line in installed_lines().values() if exchange.concerns(line)), None)


def record(exchange: Exchange, line: Line) -> None:
    """Hold the conversation, and keep what came of it."""
    with Recording("lean") as recording:
        replay = Replay(exchange, recording)
        anyio.run(replay.run, line)
        messages = [
            {**said, "message": portable_answer(said["message"])}
            if said["from"] == "server" and "message" in said
            else said
            for said in replay.messages
        ]
        exchange.messages = keep_placeholders(exchange.messages, messages)
        session = replay.known.get("<session>")
        spans = [with_placeholders(span, session) for span in replay.spans]
        exchange.spans = keep_placeholders(exchange.spans, spans)
        exchange.metrics = {
            name: keep_points(exchange.metrics.get(name, []), points)
            for name, points in replay.metrics.items()
        }


def portable_answer(message: dict[str, Any]) -> dict[str, Any]:
    """An answer without what libraries are free in."""
    if "result" in message:
        result: dict[str, Any] = message["result"]
        # The words of an error are the library's.
        kept = KEPT - {"content"} if result.get("isError") else KEPT
        return {**message, "result": {key: value for key, value in result.items() if key in kept}}
    if "error" in message:
        return {**message, "error": {"code": message["error"]["code"]}}
    return portable_question(message) if "id" in message else message


def portable_question(message: dict[str, Any]) -> dict[str, Any]:
    """A question of the server without its words; that it tells of its trace is no library's choice."""
    kept = {"jsonrpc": message["jsonrpc"], "id": "<any>", "method": message["method"]}
    is_traced = "traceparent" in message.get("params", {}).get("_meta", {})
    return {**kept, "params": {"_meta": {"traceparent": "<any>"}}} if is_traced else kept


def with_placeholders(span: dict[str, Any], session: str | None) -> dict[str, Any]:
    """A span with a placeholder where every run has another value; `session` is the id that the server gave."""
    attributes: dict[str, Any] = span["attributes"]
    varies = VARIES | OF_QUESTIONS if span["kind"] == "CLIENT" else dict(VARIES)
    if attributes.get("mcp_obs.session.source") == "inferred":
        varies["mcp_obs.session.id"] = "<any>"
    shown = {name: keep_placeholders(varies.get(name), value) for name, value in attributes.items()}
    shown |= {name: "<session>" for name in SESSION_IDS if name in shown and shown[name] == session}
    return {**span, "attributes": shown, "events": [_with_type(event) for event in span["events"]]}


def _with_type(event: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = event["attributes"]
    if attributes.get("exception.type") != RAISED_BY_FAIL:
        return event
    return {**event, "attributes": {**attributes, "exception.type": "<type raised by fail>"}}


def keep_placeholders(before: Any, now: Any) -> Any:
    """What was recorded now, with the placeholders from before that it matches."""
    if isinstance(before, str) and before in PLACEHOLDERS and matches(before, now):
        return before
    if isinstance(before, dict) and isinstance(now, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", now)
        # The order of the file: it says nothing, and need not change.
        return {key: keep_placeholders(old.get(key), new[key]) for key in old | new if key in new}
    if isinstance(before, list) and isinstance(now, list):
        return [
            keep_placeholders(old, new)
            for old, new in zip_longest(cast("list[Any]", before), cast("list[Any]", now))
        ][: len(cast("list[Any]", now))]
    return now


def keep_points(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points of a metric as the file has them: those from before, if they still match."""
    kept = before if matches_points(before, now) else keep_placeholders(before, now)
    return sorted(kept, key=order_of_point)


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sdk_kit.record_exchange", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a file of contract/exchanges, without .json"
    )
    parser.add_argument(
        "--all", action="store_true", help="every exchange that an installed library can hold"
    )
    arguments = parser.parse_args()
    os.environ["MCP_OBS_STRICT"] = "1"
    chosen = read_all() if arguments.all else [read(FOLDER / f"{name}.json") for name in arguments.names]
    for exchange in chosen:
        line = recorded_on(exchange)
        if line is None:
            print(f"{exchange}: no installed library can hold it", file=sys.stderr)
            continue
        record(exchange, line)
        exchange.write()
        print(f"{exchange}: recorded on {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
