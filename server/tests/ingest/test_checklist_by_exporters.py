"""OTLP's rules for a receiver, driven by the exporters of OpenTelemetry's SDKs: the rows of test_checklist.

| row | what real exporters show | and what they can't |
|---|---|---|
| 1 | told the base address alone, each finds its signal's path or method | the default ports: test_checklist |
| 2 | protobuf and JSON of one SDK read the same, up to the same depth | |
| 3 | none and gzip, by how many bytes they send | |
| 4 | each says success; an export of nothing too | |
| 5 | a 200 that tells of rejected items is a success, not sent again; JavaScript's log it | ids that are invalid |
| 6 | attributes nested too deeply, a wrong key, a defect: with our words | Python's over HTTP print the status alone |
| 7 | 429 and 503 are sent again, 400, 401, 413 and 500 are not | 502 and 504, which no answer here has |
| 8 | they wait as long as Retry-After or RetryInfo says | |
| 9 | a body that is too long, as sent or inflated, is not sent again | |
| 10 | the answers to three exports of 75 items of which 50 are rejected are below 4 KiB together | |
| 11 | JavaScript's JSON: ids, enums and integers as it writes them | ids in capitals, unknown fields: test_checklist |
| 12 | a scope of metrics without a metric | other envelopes, which SDKs only make around items |
| 13 | an export is sent again whose answer was lost, and stored once | |
| 14 | UNAVAILABLE and RESOURCE_EXHAUSTED with RetryInfo, INVALID_ARGUMENT, UNAUTHENTICATED, INTERNAL | see below |

JavaScript's exporter over gRPC tries nothing again: its rows 7, 8 and 13 are that it hands on the failure.
Rust's, as Deno has them, say nothing and try nothing again: their rows are what was stored, and refused once. They make
no empty exports and no lists of lists; over HTTP they have no gzip.
Python's over gRPC tries RESOURCE_EXHAUSTED again with or without RetryInfo: for row 9 it is given five seconds, not 60.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from mcp_obs_server.ingest.errors import Overloaded, RateLimited
from mcp_obs_server.ingest.passage import Passage
from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.rejections import Count
from mcp_obs_server.ingest.signal import SignalName
from mcp_obs_server.store import Row, TelemetryStore
from otlp_door import KEY, MAX_BODY_BYTES, Door, open_door
from relay import Relay, relaying
from sender import (
    EXPORTERS,
    JAVASCRIPT,
    PYTHON,
    SILENT_EXPORTERS,
    Exporter,
    Plan,
    Said,
    Sender,
    started,
)

SIGNALS: tuple[SignalName, ...] = ("traces", "metrics", "logs")
DAY = 86_400
HOUR = 3_600
# Lists in each other, of two messages each: with what is around them 101, which Python still writes and nobody reads.
TOO_DEEP: Mapping[SignalName, int] = {"traces": 48, "metrics": 47, "logs": 48}
# Those that every signal takes.
DEEP = 46
FOUR_KIB = 4 * 2**10
# Exporters that are not told wait 1.2 s at most before the second try.
OVERLOADED_SECONDS = 2
RATE_LIMITED_SECONDS = 1
# What the clocks of two processes may differ by.
CLOCK_SECONDS = 0.01


each_exporter = pytest.mark.parametrize("exporter", EXPORTERS, ids=str)
# Side by side, for what they wait for takes longer than what they do.
all_at_once = pytest.mark.parametrize("exporters", [EXPORTERS], ids=["all"])
all_that_retry = pytest.mark.parametrize(
    "exporters", [[each for each in EXPORTERS if each.retries]], ids=["all that retry"]
)
each_that_does_not = pytest.mark.parametrize(
    "exporter", [each for each in EXPORTERS if not each.retries], ids=str
)
each_signal = pytest.mark.parametrize("signal", SIGNALS)
zipped_or_not = pytest.mark.parametrize("is_gzip", [False, True], ids=["plain", "gzip"])

Take = Callable[[], Awaitable[Mapping[Reason, int]]]
Mood = Callable[[Take, Relay], Awaitable[Mapping[Reason, int]]]


class Moody(Receiver):
    """A receiver that has a mood for each of the first exports of a signal."""

    relay: Relay
    moods: Mapping[SignalName, deque[Mood]]
    came_at: Mapping[SignalName, list[float]]

    async def take(self, passage: Passage, body: bytes, is_json: bool) -> Mapping[Reason, int]:
        signal = passage.signal.name
        self.came_at[signal].append(time.monotonic())
        take = super().take
        if not self.moods[signal]:
            return await take(passage, body, is_json)
        return await self.moods[signal].popleft()(lambda: take(passage, body, is_json), self.relay)


async def overloaded(_take: Take, _relay: Relay) -> Mapping[Reason, int]:
    error = Overloaded("Full: try again later.")
    # Half of what the server says, for the test's patience.
    error.retry_after_seconds = OVERLOADED_SECONDS
    raise error


async def rate_limited(_take: Take, _relay: Relay) -> Mapping[Reason, int]:
    raise RateLimited("Too fast: try again in 1 s.", RATE_LIMITED_SECONDS)


async def broken(_take: Take, _relay: Relay) -> Mapping[Reason, int]:
    raise RuntimeError("a defect")


async def answer_lost(take: Take, relay: Relay) -> Mapping[Reason, int]:
    rejected = await take()
    relay.cut()
    return rejected


@dataclass
class Exchange:
    """An exporter, and the receiver that it sends to."""

    exporter: Exporter
    sender: Sender
    door: Door
    relay: Relay

    @property
    def came_at(self) -> Mapping[SignalName, list[float]]:
        """When the exports of each signal came, as far as they were read."""
        assert isinstance(self.door.receiver, Moody)
        return self.door.receiver.came_at

    async def export(self, plan: Plan, key: str = KEY) -> Mapping[SignalName, Said]:
        """What the exporter says of the plan."""
        address = f"http://127.0.0.1:{self.relay.port}"
        return await self.sender.export(self.exporter.protocol, address, key, plan)

    def refused(self) -> Mapping[str, int]:
        """Whole exports, by reason."""
        return self._counts(lambda count: count.exports)

    def rejected(self) -> Mapping[str, int]:
        """Items of exports that were taken, by reason."""
        return self._counts(lambda count: count.items)

    def _counts(self, of: Callable[[Count], int]) -> Mapping[str, int]:
        counts: Counter[str] = Counter()
        for rejected, count in self.door.rejections.totals().items():
            counts[rejected.reason] += of(count)
        return {reason: count for reason, count in counts.items() if count}


Senders = Mapping[Exporter, Sender]


@asynccontextmanager
async def exchanging(
    exporter: Exporter,
    sender: Sender,
    folder: Path,
    store: TelemetryStore,
    org_id: int,
    *moods: Mood,
    now: int | Callable[[], int] = time.time_ns,
) -> AsyncGenerator[Exchange]:
    """The exporter, a relay, and a receiver that has these moods for each signal."""
    async with open_door(folder, store, org_id, now=now, receiver_type=Moody) as door:
        port = door.listener.port if exporter.is_grpc else int(door.url.rpartition(":")[2])
        receiver = door.receiver
        assert isinstance(receiver, Moody)
        async with relaying(port) as relay:
            receiver.relay = relay
            receiver.moods = {signal: deque(moods) for signal in SIGNALS}
            receiver.came_at = {signal: [] for signal in SIGNALS}
            yield Exchange(exporter, sender, door, relay)


@pytest.fixture(scope="module")
async def senders() -> AsyncGenerator[Senders]:
    """A process for each exporter, running for the whole module."""
    async with AsyncExitStack() as stack:
        yield {
            exporter: await stack.enter_async_context(started(exporter.program))
            for exporter in (*EXPORTERS, *SILENT_EXPORTERS)
        }


@pytest.fixture
def moods() -> tuple[Mood, ...]:
    """The receiver's; a test that has others gives them."""
    return ()


@pytest.fixture
async def exchange(
    exporter: Exporter,
    senders: Senders,
    tmp_path: Path,
    store: TelemetryStore,
    org_id: int,
    moods: tuple[Mood, ...],
) -> AsyncGenerator[Exchange]:
    """What most tests begin with."""
    async with exchanging(exporter, senders[exporter], tmp_path, store, org_id, *moods) as exchange:
        yield exchange


@pytest.fixture
async def exchanges(
    exporters: Iterable[Exporter],
    senders: Senders,
    tmp_path: Path,
    store: TelemetryStore,
    org_id: int,
    moods: tuple[Mood, ...],
) -> AsyncGenerator[list[Exchange]]:
    """The same for several, each with a receiver and an organisation of its own."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                exchanging(
                    exporter,
                    senders[exporter],
                    tmp_path / str(number),
                    store,
                    org_id * 10 + number,
                    *moods,
                )
            )
            for number, exporter in enumerate(exporters)
        ]


async def at_once(exchanges: Iterable[Exchange], check: Callable[[Exchange], Awaitable[None]]) -> None:
    """Check all side by side, each to its end; ExceptionGroup of those that fail."""

    async def failure(exchange: Exchange) -> AssertionError | None:
        try:
            await check(exchange)
        except AssertionError as error:
            error.add_note(f"by {exchange.exporter}")
            return error
        return None

    failures = await asyncio.gather(*map(failure, exchanges))
    if any(failures):
        raise ExceptionGroup("not by every exporter", [error for error in failures if error])


@each_exporter
@each_signal
async def test_rows_1_to_4_what_is_sent_to_the_base_address_is_stored_and_a_success(
    exchange: Exchange, signal: SignalName
) -> None:
    sent_bytes: list[int] = []
    for is_gzip in (False, True):
        before = exchange.relay.sent_bytes
        said = await exchange.export(Plan((signal,), ages=(60, 59), text_bytes=10_000, is_gzip=is_gzip))
        assert said == {signal: Said("success", "")}
        sent_bytes.append(exchange.relay.sent_bytes - before)
    assert sent_bytes[1] < 10_000 < 20_000 < sent_bytes[0]
    assert len(exchange.came_at[signal]) == 2
    assert await exchange.door.count(signal) == 4


@each_exporter
async def test_rows_4_and_12_an_export_of_nothing_is_a_success(exchange: Exchange) -> None:
    said = await exchange.export(Plan(SIGNALS, ages=()))
    assert said == {signal: Said("success", "") for signal in SIGNALS}
    for signal in SIGNALS:
        assert len(exchange.came_at[signal]) == 1
        assert await exchange.door.count(signal) == 0


COLUMNS: Mapping[SignalName, str] = {
    "traces": "name, kind, status, status_message, method, tool, outcome, scope_name, scope_version,"
    " attributes, attribute_types, arrayMap(e -> (e.name, e.attributes, e.attribute_types), events) AS events",
    "metrics": "metric_name, unit, coalesce(int_value, double_value) AS value, temporality,"
    " scope_name, attributes, attribute_types",
    "logs": "event_name, body, scope_name, attributes, attribute_types",
}


Stored = Mapping[SignalName, list[Row]]


async def stored_by(
    exporters: Iterable[Exporter], senders: Senders, folder: Path, store: TelemetryStore, org_id: int
) -> Stored:
    """What is stored of an item of each signal, which has to be the same by each of these exporters."""
    stored: list[Stored] = []
    for number, exporter in enumerate(exporters):
        ours = folder / str(number)
        async with exchanging(exporter, senders[exporter], ours, store, org_id * 10 + number) as exchange:
            await exchange.export(Plan(SIGNALS, depth=DEEP))
            stored.append({signal: await exchange.door.rows(signal, COLUMNS[signal]) for signal in SIGNALS})
    assert len(stored) == 3
    assert stored == [stored[0]] * 3
    for rows in stored[0].values():
        for row in rows:
            # Its text is protobuf.
            row["attributes"].pop("list", None)
            # JavaScript's spans and Rust's exports have none.
            for column in ("attributes", "attribute_types"):
                row[column].pop("deep", None)
    return stored[0]


@pytest.mark.parametrize("language", ["Python", "JavaScript"])
async def test_rows_2_and_11_what_an_sdk_exports_reads_the_same_in_every_encoding(
    language: str, senders: Senders, tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    exporters = (each for each in EXPORTERS if each.program.language == language)
    stored = await stored_by(exporters, senders, tmp_path, store, org_id)
    for rows in stored.values():
        for row in rows:
            assert row.pop("scope_name") == language.lower()
    assert stored == snapshot(
        {
            "traces": [
                {
                    "name": "tools/call add",
                    "kind": "server",
                    "status": "error",
                    "status_message": "broken",
                    "method": "tools/call",
                    "tool": "add",
                    "outcome": "error",
                    "scope_version": "1.0",
                    "attributes": {"zero": "0", "half": "0.5", "no": "false", "empty": "", "number": "0"},
                    "attribute_types": {
                        "zero": "int",
                        "half": "double",
                        "no": "bool",
                        "list": "array",
                        "number": "int",
                    },
                    "events": [("started", {"attempt": "1"}, {"attempt": "int"})],
                }
            ],
            "metrics": [
                {
                    "metric_name": "tool.calls",
                    "unit": "{call}",
                    "value": 3.0,
                    "temporality": "cumulative",
                    "attributes": {"number": "0"},
                    "attribute_types": {"number": "int"},
                }
            ],
            "logs": [
                {
                    "event_name": "tool_result",
                    "body": "called",
                    "attributes": {"number": "0"},
                    "attribute_types": {"number": "int"},
                }
            ],
        }
    )


@each_exporter
async def test_rows_5_7_and_10_a_partial_success_is_told_in_few_bytes_and_not_sent_again(
    exchange: Exchange,
) -> None:
    said = await exchange.export(Plan(SIGNALS, ages=(60, 31 * DAY, -2 * HOUR) * 25))
    assert exchange.relay.answered_bytes < FOUR_KIB
    for signal in SIGNALS:
        assert said[signal].outcome == "success"
        if exchange.exporter.program is JAVASCRIPT:
            assert "older than the retention" in said[signal].said
            assert "more than an hour ahead of the server's clock" in said[signal].said
        assert len(exchange.came_at[signal]) == 1
        assert await exchange.door.count(signal) == 25


@pytest.mark.parametrize(
    ("exporter", "signal"),
    # JavaScript's spans take no lists of lists.
    [each for each in product(EXPORTERS, SIGNALS) if (each[0].program, each[1]) != (JAVASCRIPT, "traces")],
    ids=str,
)
async def test_rows_6_7_and_14_bad_data_is_a_failure_at_once(exchange: Exchange, signal: SignalName) -> None:
    exporter = exchange.exporter
    said = (await exchange.export(Plan((signal,), depth=TOO_DEEP[signal])))[signal]
    assert said.outcome == "failure"
    assert ("INVALID_ARGUMENT" if exporter.is_grpc else "400") in said.said
    if exporter.quotes:
        expected = "Nested deeper" if exporter.protocol == "http/json" else "The body is not an Export"
        assert expected in said.said
    assert exchange.refused() == {"malformed": 1}
    assert await exchange.door.count(signal) == 0


@each_exporter
async def test_rows_6_7_and_14_a_wrong_key_is_a_failure_at_once(exchange: Exchange) -> None:
    exporter = exchange.exporter
    for said in (await exchange.export(Plan(SIGNALS), key="wrong")).values():
        assert said.outcome == "failure"
        assert ("UNAUTHENTICATED" if exporter.is_grpc else "401") in said.said
        assert not exporter.quotes or "This API key is unknown or revoked" in said.said
    assert exchange.refused() == {"unauthenticated": 3}


@each_exporter
@pytest.mark.parametrize("moods", [(broken,)], ids=["broken"])
async def test_rows_6_7_and_14_a_defect_of_the_server_is_a_failure_at_once(exchange: Exchange) -> None:
    exporter = exchange.exporter
    for said in (await exchange.export(Plan(SIGNALS))).values():
        assert said.outcome == "failure"
        assert ("INTERNAL" if exporter.is_grpc else "500") in said.said
        assert not exporter.quotes or "The server failed; its log has the reason." in said.said
    assert exchange.refused() == {"failed": 3}


@all_that_retry
@pytest.mark.parametrize("moods", [(overloaded, rate_limited)], ids=["503 and 429"])
async def test_rows_7_8_and_14_what_may_be_tried_again_is_when_the_server_said_and_stored_once(
    exchanges: list[Exchange],
) -> None:
    async def check(exchange: Exchange) -> None:
        said = await exchange.export(Plan(SIGNALS))
        assert {each.outcome for each in said.values()} == {"success"}
        for signal in SIGNALS:
            first, second = [later - earlier for earlier, later in pairwise(exchange.came_at[signal])]
            assert first > OVERLOADED_SECONDS - CLOCK_SECONDS
            assert second > RATE_LIMITED_SECONDS - CLOCK_SECONDS
            assert await exchange.door.count(signal) == 1
        assert exchange.refused() == {"rate_limited": 3, "overloaded": 3}

    await at_once(exchanges, check)


@each_that_does_not
@pytest.mark.parametrize("moods", [(rate_limited, overloaded)], ids=["429 and 503"])
async def test_rows_7_8_and_14_who_tries_nothing_again_says_that_it_failed(exchange: Exchange) -> None:
    for code in ("RESOURCE_EXHAUSTED", "UNAVAILABLE"):
        for said in (await exchange.export(Plan(SIGNALS))).values():
            assert (said.outcome, code in said.said) == ("failure", True)
    assert {each.outcome for each in (await exchange.export(Plan(SIGNALS))).values()} == {"success"}
    assert exchange.refused() == {"rate_limited": 3, "overloaded": 3}


@all_at_once
@zipped_or_not
async def test_rows_7_9_and_14_what_is_too_long_is_a_failure_for_good(
    exchanges: list[Exchange], is_gzip: bool
) -> None:
    async def check(exchange: Exchange) -> None:
        exporter = exchange.exporter
        plan = Plan(SIGNALS, text_bytes=3 * MAX_BODY_BYTES, is_gzip=is_gzip)
        if exporter.is_grpc and exporter.program is PYTHON:
            # It would try this six times.
            plan = replace(plan, seconds=5)
        for said in (await exchange.export(plan)).values():
            assert said.outcome == "failure"
            assert ("RESOURCE_EXHAUSTED" if exporter.is_grpc else "413") in said.said
        if not exporter.is_grpc:
            assert exchange.refused() == {"too_large": 3}
        for signal in SIGNALS:
            assert await exchange.door.count(signal) == 0

    await at_once(exchanges, check)


@all_that_retry
@pytest.mark.parametrize("moods", [(answer_lost,)], ids=["lost"])
async def test_row_13_what_is_sent_again_because_its_answer_was_lost_is_stored_once(
    exchanges: list[Exchange],
) -> None:
    async def check(exchange: Exchange) -> None:
        said = await exchange.export(Plan(SIGNALS))
        assert {each.outcome for each in said.values()} == {"success"}
        for signal in SIGNALS:
            # A connection may be cut with another signal's too.
            assert len(exchange.came_at[signal]) >= 2
            assert await exchange.door.count(signal) == 1

    await at_once(exchanges, check)


each_that_is_silent = pytest.mark.parametrize("exporter", SILENT_EXPORTERS, ids=str)


async def test_rows_1_2_4_and_11_what_rusts_sdk_exports_reads_the_same_in_every_encoding(
    senders: Senders, tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    assert await stored_by(SILENT_EXPORTERS, senders, tmp_path, store, org_id) == snapshot(
        {
            "traces": [
                {
                    "name": "tools/call add",
                    "kind": "server",
                    "status": "error",
                    "status_message": "broken",
                    "method": "tools/call",
                    "tool": "add",
                    "outcome": "error",
                    "scope_name": "rust",
                    "scope_version": "1.0",
                    "attributes": {"zero": "0", "half": "0.5", "no": "false", "empty": "", "number": "0"},
                    "attribute_types": {
                        "zero": "double",
                        "half": "double",
                        "no": "bool",
                        "list": "array",
                        "number": "double",
                    },
                    "events": [("started", {"attempt": "1"}, {"attempt": "double"})],
                }
            ],
            "metrics": [
                {
                    "metric_name": "tool.calls",
                    "unit": "{call}",
                    "value": 3.0,
                    "temporality": "cumulative",
                    "scope_name": "rust",
                    "attributes": {"number": "0"},
                    "attribute_types": {"number": "double"},
                }
            ],
            "logs": [
                {
                    "event_name": "",
                    "body": "called\n",
                    "scope_name": "deno",
                    "attributes": {"log.iostream": "stdout"},
                    "attribute_types": {},
                }
            ],
        }
    )


async def test_row_3_what_rusts_sdk_sends_in_gzip_is_stored(
    senders: Senders, tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    # Deno's over HTTP come without gzip.
    (exporter,) = (each for each in SILENT_EXPORTERS if each.is_grpc)
    async with exchanging(exporter, senders[exporter], tmp_path, store, org_id) as exchange:
        await exchange.export(Plan(SIGNALS, text_bytes=10_000, is_gzip=True))
        assert exchange.relay.sent_bytes < 10_000
        assert [await exchange.door.count(signal) for signal in SIGNALS] == [1, 1, 1]


@each_that_is_silent
async def test_rows_5_and_7_what_rusts_sdk_sends_is_rejected_once(
    exporter: Exporter, senders: Senders, tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    # Its metrics and logs have the time at which it runs.
    later = time.time_ns() + 31 * DAY * 10**9
    async with exchanging(exporter, senders[exporter], tmp_path, store, org_id, now=later) as exchange:
        await exchange.export(Plan(SIGNALS))
        assert exchange.rejected() == {"too_old": 3}
        assert [len(times) for times in exchange.came_at.values()] == [1, 1, 1]


@each_that_is_silent
@pytest.mark.parametrize(
    ("moods", "key", "text_bytes", "refused"),
    [
        ((), "wrong", 0, "unauthenticated"),
        ((broken,), KEY, 0, "failed"),
        ((overloaded,), KEY, 0, "overloaded"),
        ((rate_limited,), KEY, 0, "rate_limited"),
        ((), KEY, 3 * MAX_BODY_BYTES, "too_large"),
    ],
    ids=["401", "500", "503", "429", "413"],
)
async def test_rows_6_to_9_and_14_rusts_sdk_sends_nothing_again_that_was_refused(
    exchange: Exchange, key: str, text_bytes: int, refused: str
) -> None:
    # In gzip it is this server that refuses what is too long, and not gRPC before it.
    plan = Plan(SIGNALS, text_bytes=text_bytes, is_gzip=exchange.exporter.is_grpc)
    await exchange.export(plan, key)
    assert exchange.refused() == {refused: 3}
    assert [await exchange.door.count(signal) for signal in SIGNALS] == [0, 0, 0]
