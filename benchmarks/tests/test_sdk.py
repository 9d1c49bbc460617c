import json
import socket
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.processes import cpu_clock, thread_clock
from benchmarks.receivers.null import posted_to, running_null_receiver
from benchmarks.sdk.added import Added, added, noise, uncertainty
from benchmarks.sdk.arrivals import ENDS, End, arrived_after
from benchmarks.sdk.blocks import Block, Extent, run_blocks, together
from benchmarks.sdk.collector import calls_in
from benchmarks.sdk.contenders import BARE, FASTMCP_BARE, MCP_OBS, NATIVE, PEERS, TWIN, Contender, installed
from benchmarks.sdk.exports import endpoint, exports_required
from benchmarks.sdk.healthy import blocks_of_a_start, rows, told_apart
from benchmarks.sdk.in_thread import repeat
from benchmarks.sdk.running import TRANSPORTS, Transport, running
from benchmarks.sdk.server import TOOLS

NOWHERE = "http://127.0.0.1:9"
# Burns 0.2 s in its first thread and 0.3 s in another.
BURNING = """
import sys, threading, time
def burn(seconds):
    while time.thread_time() < seconds: pass
burn(0.2)
other = threading.Thread(target=burn, args=(0.3,))
other.start()
other.join()
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("contender", [BARE, FASTMCP_BARE], ids=lambda each: each.name)
def test_every_tool_of_the_small_server_is_called_and_takes_its_time(
    contender: Contender, transport: Transport, tmp_path: Path
) -> None:
    with running(contender, NOWHERE, transport, tmp_path) as server:
        before = server.cpu_seconds()
        for tool, seconds in TOOLS.items():
            taken = server.calls.call(tool, 3)

            assert len(taken) == 3
            assert all(each >= seconds for each in taken)
        assert server.cpu_seconds() > before
        # The thread first, as a server may be busy between two readings. Sums of nanoseconds as floats.
        assert 0 < server.thread_seconds() < server.cpu_seconds() + 1e-9


def test_a_call_that_fails_ends_the_run(tmp_path: Path) -> None:
    with (
        running(BARE, NOWHERE, "stdio", tmp_path) as server,
        pytest.raises(SystemExit, match="no_such_tool was answered with"),
    ):
        server.calls.call("no_such_tool", 1)


@pytest.mark.parametrize("end", ENDS)
def test_every_call_answered_arrives_when_the_server_ends(end: End, tmp_path: Path) -> None:
    assert arrived_after(end, MCP_OBS, 20, tmp_path) == 20


def test_nothing_arrives_of_a_bare_server(tmp_path: Path) -> None:
    assert arrived_after("closed stdin", BARE, 2, tmp_path) == 0


def test_a_middleware_is_repeated_and_its_memory_looked_at_on_the_way(tmp_path: Path) -> None:
    with running_null_receiver() as port:
        repeated = repeat(MCP_OBS, f"http://127.0.0.1:{port}", 100, tmp_path)

    assert 0 < repeated.thread < repeated.everything
    assert len(repeated.resident) == 10
    assert min(repeated.resident) > 10


def test_the_clocks_of_another_process_have_all_its_threads_and_its_first() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BURNING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()

        assert 0.2 <= thread_clock(process.pid) < cpu_clock(process.pid) - 0.25
        process.communicate()


def test_a_null_receiver_answers_503_or_hangs_when_it_is_told_to() -> None:
    with running_null_receiver("503") as port:
        assert httpx2.post(f"http://127.0.0.1:{port}/v1/traces", content=b".").status_code == 503
    with running_null_receiver("hangs") as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n.")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_null_receiver_tells_how_often_was_posted_where() -> None:
    with running_null_receiver() as port, httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for path in ("/one/v1/traces", "/two/v1/traces", "/one/v1/traces"):
            client.post(path, content=b".")

        assert posted_to(port) == {"/one/v1/traces": 2, "/two/v1/traces": 1}


def test_a_server_that_exports_no_spans_on_one_transport_ends_the_run() -> None:
    with (
        running_null_receiver() as port,
        pytest.raises(SystemExit, match=r"no spans came from native OTel \(stdio\):"),
        exports_required((BARE, MCP_OBS, NATIVE), port),
    ):
        for contender, transport in product((MCP_OBS, NATIVE), TRANSPORTS):
            exported = "metrics" if (contender, transport) == (NATIVE, "stdio") else "traces"
            httpx2.post(f"{endpoint(contender, transport, port)}/v1/{exported}", content=b".")


def test_a_server_that_does_not_record_as_it_should_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.sdk.blocks.METRIC_EXPORT_PAUSE_SECONDS", 1.0)
    # Its process knows it by its name, and leaves it bare.
    silent = replace(BARE, switch_on=MCP_OBS.switch_on)

    everywhere = r"no spans came from bare \(memory\), bare \(stdio\), bare \(http\):"
    with pytest.raises(SystemExit, match=everywhere):
        blocks_of_a_start((TWIN, MCP_OBS, silent), {"empty": Extent(1, 1, 2)}, tmp_path)


def test_the_servers_of_all_transports_share_one_pause_and_have_a_block_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running(BARE, NOWHERE, "memory", tmp_path) as memory,
        running(BARE, NOWHERE, "stdio", tmp_path) as stdio,
    ):
        pauses: list[float] = []
        monkeypatch.setattr("benchmarks.sdk.blocks.time.sleep", pauses.append)
        found = run_blocks({"memory": [memory], "stdio": [stdio]}, "empty", Extent(1, 2, 3))

    assert pauses == [6]
    assert list(found) == ["memory", "stdio"]
    for blocks in found.values():
        (block,) = blocks[BARE.name]
        assert len(block.latencies) == 6
        assert 0 < block.thread_us <= block.cpu_us + 0.001


def test_the_blocks_of_several_starts_are_put_together() -> None:
    first, second, third = (Block(cpu=each) for each in (1.0, 2.0, 3.0))

    assert together([{"bare": [first, second]}, {"bare": [third]}]) == {"bare": [first, second, third]}


def test_calls_are_counted_in_every_form_that_they_are_sent_in() -> None:
    export = ExportTraceServiceRequest()
    scope = export.resource_spans.add().scope_spans.add()
    for name, kind in (("tools/call empty", 2), ("tools/call empty", 3), ("tools/list", 2)):
        scope.spans.add(name=name, kind=kind)
    spans = [
        {"name": "call", "attributes": [{"key": "method", "value": "tools/call"}]},
        {"name": "tools/list"},
    ]
    written = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    transaction = {
        "contexts": {"trace": {"op": "http.server"}},
        "spans": [{"op": "mcp.server"}, {"op": "db"}],
    }
    envelope = b'{"event_id":"1"}\n{"type":"transaction"}\n' + json.dumps(transaction).encode()

    assert calls_in("/v1/traces", export.SerializeToString()) == 1
    assert calls_in("/v1/traces", written) == 1
    assert calls_in("/api/1/envelope/", envelope) == 1
    assert calls_in("/v1/metrics", export.SerializeToString()) == 0


def blocks_of(*microseconds: int) -> list[Block]:
    """As much CPU a call, half as much of the thread, and as long a latency."""
    return [Block(each * 2e-6, each * 1e-6, [each * 1e-6] * 2) for each in microseconds]


def test_what_is_added_is_the_median_blocks_more_than_both_bare_servers() -> None:
    measured = {
        BARE.name: blocks_of(100, 200, 100),
        TWIN.name: blocks_of(110, 190, 110),
        NATIVE.name: blocks_of(155, 255, 905),
    }

    found = added(measured, NATIVE)

    assert (round(found.cpu, 3), round(found.thread, 3), round(found.p50, 3)) == (60, 30, 60)
    assert round(added(measured, TWIN).cpu, 3) == 10
    apart = noise(measured)
    assert Added(*(round(each, 3) for each in (apart.cpu, apart.thread, apart.p50, apart.p99))) == Added(
        10, 5, 10, 10
    )


def test_the_noise_is_the_standard_error_of_a_median_of_so_many_blocks() -> None:
    found = uncertainty({BARE.name: blocks_of(100, 200, 100, 300), TWIN.name: blocks_of(120, 180, 120, 400)})

    # The median distance of 20 µs times 1.2533 * 1.4826, over the root of 4 blocks.
    assert (round(found.cpu, 2), round(found.thread, 2), round(found.p50, 2)) == (18.58, 9.29, 18.58)
    assert round(found.p99) == 100


def test_peers_are_measured_against_the_bare_servers_of_their_own_starts() -> None:
    core = {
        BARE.name: blocks_of(100, 100, 100),
        TWIN.name: blocks_of(100, 100, 100),
        MCP_OBS.name: blocks_of(110, 110, 110),
        NATIVE.name: blocks_of(150, 150, 150),
    }
    peers = {
        BARE.name: blocks_of(400, 400),
        TWIN.name: blocks_of(400, 400),
        FASTMCP_BARE.name: blocks_of(600, 600),
        PEERS[0].name: blocks_of(500, 500),
    }

    shown = {name: figures for name, *figures in rows(core, peers)}

    # Starts, CPU added, the share of native's in the core's starts, and of a bare call in its own.
    assert shown[PEERS[0].name][:4] == ["2", "100.0", "2.00", "25.0%"]
    assert shown[MCP_OBS.name][:4] == ["3", "10.0", "0.20", "10.0%"]
    assert list(shown) == [TWIN.name, MCP_OBS.name, NATIVE.name, PEERS[0].name, "noise of the twins ±"]


@pytest.mark.parametrize(
    ("microseconds", "verdict"), [(130, "not to be told apart"), (160, "to be told apart")]
)
def test_mcp_obs_is_told_apart_from_a_bare_server_by_more_than_twice_the_noise(
    microseconds: int, verdict: str
) -> None:
    # 18.6 µs of noise.
    measured = {
        BARE.name: blocks_of(100, 120, 100, 120),
        TWIN.name: blocks_of(120, 100, 120, 100),
        MCP_OBS.name: blocks_of(*[microseconds] * 4),
    }

    more = f"mcp_obs adds {microseconds - 110}.0 µs ± 18.6 to an empty call over HTTP"
    assert told_apart(measured) == f"{more}: {verdict} from a bare server"


def test_a_contender_that_is_not_installed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    missing = replace(BARE, name="elsewhere", environment=".venv-bench-elsewhere")

    assert installed((BARE, missing)) == [BARE]
    assert "elsewhere is not measured: .venv-bench-elsewhere is not there" in capsys.readouterr().out
