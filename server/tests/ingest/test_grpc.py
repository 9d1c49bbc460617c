"""What gRPC adds to the ways of an export; the rules of OTLP itself are in test_checklist.py."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from grpc_client import Failed, answer_to, begin, call, channel
from mcp_obs_server.ingest.grpc_listener import GrpcListener
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.store import TelemetryStore
from otlp_door import BREAKS_THE_CHECK, MAX_MESSAGE_BYTES, Door, Tenant, open_door
from otlp_exports import export
from waiting import until

NO_CALLS = grpc.method_handlers_generic_handler("nothing", {})


async def test_an_export_is_answered_with_an_empty_message_and_stored(door: Door) -> None:
    assert await call(door.grpc_address, export(3).SerializeToString()) == b""
    assert [row["tool"] for row in await door.spans("tool")] == ["search"] * 3


@pytest.mark.parametrize("body", [export(2).SerializeToString(), b""])
async def test_a_compressed_message_is_inflated_here(door: Door, body: bytes) -> None:
    assert await call(door.grpc_address, body, compression=grpc.Compression.Gzip) == b""
    assert len(await door.spans("tool")) == (2 if body else 0)


async def test_a_compression_that_otlp_does_not_know_is_named(door: Door) -> None:
    answer = await call(
        door.grpc_address, export(2).SerializeToString(), compression=grpc.Compression.Deflate
    )
    assert answer == Failed(grpc.StatusCode.UNIMPLEMENTED, "Compression algorithm 'deflate' is disabled.")


async def test_a_stranger_is_refused_before_its_message_is_read(door: Door) -> None:
    async with channel(door.grpc_address) as opened:
        answer = await answer_to(begin(opened, authorized=False))
    assert answer == Failed(
        grpc.StatusCode.UNAUTHENTICATED, "Send an API key as 'Authorization: Bearer mcpobs_...'."
    )


@pytest.fixture
async def narrow_door(tmp_path: Path, store: TelemetryStore, org_id: int) -> AsyncIterator[Door]:
    """Room for one message, an organisation's half, and little patience."""
    in_flight_bytes = 2 * MAX_MESSAGE_BYTES
    async with open_door(tmp_path, store, org_id, in_flight_bytes=in_flight_bytes, body_seconds=0.3) as door:
        yield door


async def test_a_message_that_does_not_come_is_given_up_and_holds_nothing(
    narrow_door: Door,
) -> None:
    async with channel(narrow_door.grpc_address) as opened:
        assert await answer_to(begin(opened)) == Failed(
            grpc.StatusCode.DEADLINE_EXCEEDED, "The message took longer than 0.3 s."
        )
    with narrow_door.receiver.passage(Tenant(narrow_door.org_id), TRACES) as other:
        other.hold(MAX_MESSAGE_BYTES)


async def test_who_waits_too_long_for_room_is_told_when_to_come_again(
    narrow_door: Door,
) -> None:
    body = export(2).SerializeToString()
    with narrow_door.receiver.passage(Tenant(narrow_door.org_id), TRACES) as other:
        other.hold(1)
        answer = await call(narrow_door.grpc_address, body)
    assert answer == Failed(
        grpc.StatusCode.UNAVAILABLE, "Too many exports are under way: try again later.", 5
    )


async def test_more_calls_at_once_than_there_is_room_for_wait_for_each_other(
    tmp_path: Path, store: TelemetryStore, org_id: int
) -> None:
    async with open_door(tmp_path, store, org_id, in_flight_bytes=4 * MAX_MESSAGE_BYTES) as door:
        bodies = [export(1, seed=seed).SerializeToString() for seed in range(1, 41)]
        answers = await asyncio.gather(*(call(door.grpc_address, body) for body in bodies))
        assert answers == [b""] * 40
        assert len(await door.spans("tool")) == 40


async def test_a_message_that_is_too_long_as_sent_is_refused_and_counted_as_that(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await call(door.grpc_address, b"x" * (MAX_MESSAGE_BYTES + 1))
    assert isinstance(answer, Failed)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED

    async def is_counted() -> bool:
        return len(door.rejections.totals()) > 0

    await until(is_counted)
    assert {each.reason for each in door.rejections.totals()} == {"too_large"}
    assert caplog.records == []


async def test_a_call_without_a_message_is_malformed(door: Door) -> None:
    async with channel(door.grpc_address) as opened:
        without = begin(opened)
        await without.done_writing()
        assert await answer_to(without) == Failed(
            grpc.StatusCode.INVALID_ARGUMENT, "The call has no message."
        )


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"whole")[:-3], gzip.compress(b"whole") + b"tail"],
    ids=["cut short", "with a tail"],
)
async def test_what_begins_like_gzip_and_is_not_is_malformed(door: Door, body: bytes) -> None:
    answer = await call(door.grpc_address, body)
    assert isinstance(answer, Failed)
    assert (answer.code, "gzip" in answer.message) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_zlib_without_a_flag_is_read_as_the_protobuf_it_is_not(door: Door) -> None:
    answer = await call(door.grpc_address, zlib.compress(export(1).SerializeToString()))
    assert isinstance(answer, Failed)
    assert answer.code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_defect_of_ours_is_internal(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    answer = await call(door.grpc_address, b"", metadata=(("authorization", f"Bearer {BREAKS_THE_CHECK}"),))
    assert answer == Failed(grpc.StatusCode.INTERNAL, "The server failed; its log has the reason.")
    assert "a defect" in caplog.text


@pytest.mark.parametrize(
    "method", ["/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/x/Export", "/"]
)
async def test_other_methods_are_unimplemented(door: Door, method: str) -> None:
    answer = await call(door.grpc_address, b"", method=method)
    assert answer == Failed(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


async def test_an_export_under_way_finishes_when_the_server_stops(door: Door) -> None:
    async with channel(door.grpc_address) as opened:
        under_way, other = begin(opened), begin(opened)
        # When the later one on this connection has come and gone, the earlier is known to the server.
        await other.write(b"")
        assert await other == b""
        stopping = asyncio.create_task(door.listener.stop())
        await under_way.write(export(2).SerializeToString())
        assert await answer_to(under_way) == b""
        await stopping
    assert len(await door.spans("tool")) == 2


async def test_one_connection_too_many_is_closed_and_the_others_are_served() -> None:
    listener = GrpcListener("127.0.0.1", 0, 1000, max_connections=2)
    async with asyncio.timeout(60), listener.serving(NO_CALLS):
        connections = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(2)]
        for reader, _ in connections:
            assert await reader.read(1)
        refused, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await refused.read() == b""
        for _, each in [*connections, (refused, writer)]:
            each.close()


# RFC 9113, 3.4: what every client says first.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("said", [b"", PREFACE[:10]], ids=["nothing", "half a word"])
async def test_who_connects_and_says_no_more_than_that_is_cut_off(said: bytes) -> None:
    listener = GrpcListener("127.0.0.1", 0, 1000, handshake_seconds=0.2)
    async with asyncio.timeout(60), listener.serving(NO_CALLS):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(said)
        # Returns when the server has closed it.
        await reader.read()
        writer.close()


# RFC 9113, 6.5 and 6.7.
NO_SETTINGS, SETTINGS_ACK = b"\x00\x00\x00\x04\x00" + bytes(4), b"\x00\x00\x00\x04\x01" + bytes(4)
PING, PING_ACK = b"\x00\x00\x08\x06\x00" + bytes(4), b"\x00\x00\x08\x06\x01" + bytes(4)


async def connect_without_a_call(listener: GrpcListener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(PREFACE + NO_SETTINGS + SETTINGS_ACK)
    return reader, writer


async def test_an_idle_connection_whose_peer_acknowledges_no_ping_is_cut_off() -> None:
    listener = GrpcListener("127.0.0.1", 0, 1000, ping_seconds=0.1, ping_timeout_seconds=0.1)
    async with asyncio.timeout(60), listener.serving(NO_CALLS):
        reader, writer = await connect_without_a_call(listener)
        # Returns when the server has closed it.
        assert PING in await reader.read()
        writer.close()


async def test_an_idle_connection_whose_peer_acknowledges_pings_is_kept() -> None:
    listener = GrpcListener("127.0.0.1", 0, 1000, ping_seconds=0.1, ping_timeout_seconds=5.0)
    async with asyncio.timeout(60), listener.serving(NO_CALLS):
        reader, writer = await connect_without_a_call(listener)
        for _ in range(5):
            await reader.readuntil(PING)
            writer.write(PING_ACK + await reader.readexactly(8))
        writer.close()


def test_a_port_in_use_is_not_shared() -> None:
    async def two() -> None:
        first = GrpcListener("127.0.0.1", 0, 1000)
        with pytest.raises(RuntimeError):
            GrpcListener("127.0.0.1", first.port, 1000)

    asyncio.run(two())
