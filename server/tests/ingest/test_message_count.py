"""Exports of more messages than anybody sends are refused before they take memory, and no others are."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

import message_bombs
from mcp_obs_server.ingest.admission import admit
from mcp_obs_server.ingest.errors import ExportTooLarge, MalformedExport
from mcp_obs_server.ingest.message_count import FEW, MAX_JSON_VALUES, MAX_MESSAGES, UNCOUNTED_BYTES
from mcp_obs_server.ingest.signal import ANY_TIME
from mcp_obs_server.ingest.traces import TRACES
from message_bombs import NAMES, bomb
from otlp_door import Door
from otlp_exports import export
from otlp_ways import HTTP_JSON, WAYS, Way

MIB = 2**20
MAX_BYTES = 64 * MIB


@pytest.mark.parametrize("name", NAMES)
def test_a_bomb_is_refused_with_what_to_do(name: str) -> None:
    signal, body = bomb(name, 16 * MIB)
    with pytest.raises(ExportTooLarge, match="send smaller batches"):
        admit(signal, body, name.startswith("JSON"), ANY_TIME)


def run(name: str, size: int) -> int:
    """The MiB that a process of its own took to admit it."""
    command = [sys.executable, message_bombs.__file__, name, str(size)]
    folder = Path(message_bombs.__file__).parent
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return int(ran.stdout.split()[0])


@pytest.mark.parametrize("name", ["links", "resources", "JSON resources"])
def test_no_bomb_takes_much_memory_whether_it_is_refused_or_too_small_to_be(name: str) -> None:
    # Unguarded, 64 MiB of these took 1.6 to 6.4 GB.
    assert run(name, MAX_BYTES) < 50
    assert run(name, UNCOUNTED_BYTES - 100) < 300


@pytest.mark.parametrize("name", ["resources", "scopes", "spans", "data points", "JSON resources"])
def test_many_empty_things_are_refused_before_each_is_looked_at(name: str) -> None:
    signal, body = bomb(name, MIB)
    with pytest.raises(ExportTooLarge, match="send none that are empty"):
        admit(signal, body, name.startswith("JSON"), ANY_TIME)


def test_so_many_messages_are_read_and_one_more_is_not() -> None:
    # Three are around them.
    _, body = bomb("links", 2 * (MAX_MESSAGES - 3))
    assert len(body) > UNCOUNTED_BYTES
    assert sum(admit(TRACES, body, False, ANY_TIME).rejected.values()) == 1
    with pytest.raises(ExportTooLarge, match="send smaller batches"):
        admit(TRACES, bomb("links", 2 * (MAX_MESSAGES - 2))[1], False, ANY_TIME)


def test_a_large_export_of_real_spans_is_kept_whole() -> None:
    request = export(FEW, attributes={f"key{number}": "value" for number in range(6)})
    body = request.SerializeToString()
    assert len(body) > UNCOUNTED_BYTES
    admitted = admit(TRACES, body, False, ANY_TIME)
    assert (admitted.kept, admitted.rejected, admitted.as_sent) == (FEW, {}, True)


def test_a_large_json_export_of_real_spans_is_kept_whole() -> None:
    request = export(FEW, attributes={"x": "y" * 200})
    body = HTTP_JSON.encode(request)
    assert len(body) > MAX_JSON_VALUES
    assert admit(TRACES, body, True, ANY_TIME).body == request.SerializeToString()


@pytest.mark.parametrize("end", [b"\x0a", b"\x0a\xff", b"\x0a\x05\x12\x7f", b"\x08\xff", b"\x0b\x0c"])
def test_a_large_export_without_an_end_is_malformed(end: bytes) -> None:
    body = export(1, attributes={"x": "y" * UNCOUNTED_BYTES}).SerializeToString() + end
    with pytest.raises(MalformedExport, match="not protobuf"):
        admit(TRACES, body, False, ANY_TIME)


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_the_sender_is_told_not_to_come_again_and_the_rejection_is_counted(
    door: Door, way: Way
) -> None:
    # In few enough bytes for the smallest of the door's limits.
    _, body = bomb("JSON resources" if way is HTTP_JSON else "spans", 31_000)
    answer = await way.send(door, TRACES, body)
    assert (answer.code, answer.retry_after_seconds) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
    assert "send none that are empty" in answer.message
    ((what, count),) = door.rejections.totals().items()
    assert (what.signal, what.reason, count.exports) == ("traces", "too_large", 1)
