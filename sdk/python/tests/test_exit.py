"""A collector that is dead or slow changes no answer and delays no exit; a healthy one gets everything."""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from json import dumps
from typing import Any, Protocol

import pytest
from mcp.client import stdio
from sdk_kit.collector import collecting, speaking_no_http
from sdk_kit.lines import LAST_LEGACY_REVISION, Answer, installed_lines, stdio_command
from sdk_kit.process import recording_process
from sdk_kit.recording import Way

from mcp_obs._exit import EXIT_SECONDS

LINE = next(iter(installed_lines().values()))
# Without a bound of ours, an exporter this patient would hold up the exit for the 30 s of OpenTelemetry's own.
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
BOUND = 25.0
# In the place of EXIT_SECONDS, where what is measured would else be a slow machine.
LONG = 2.0


@pytest.fixture
def environment(way: Way) -> dict[str, str]:
    """A setting of the OpenTelemetry SDK asks for its pipeline."""
    return PATIENT if way == "sdk" else {}


class Start(Protocol):
    """Starts a process that has recorded one span and goes on with `then`."""

    def __call__(self, collector_url: str, then: str = "") -> "subprocess.Popen[str]": ...


@pytest.fixture
def start(environment: dict[str, str]) -> Start:
    """In either way."""

    def started(collector_url: str, then: str = "") -> "subprocess.Popen[str]":
        told = {"MCP_OBS_ENDPOINT": collector_url, "MCP_OBS_API_KEY": "mcpobs_test_key"}
        return recording_process(told | environment, then)

    return started


def refused() -> str:
    """An address where nobody listens."""
    return "http://127.0.0.1:9"


@pytest.mark.behaviour("host.answers-despite-collector")
@pytest.mark.anyio
@pytest.mark.parametrize("trouble", ["refused", "answers 503", "hangs", "speaks no HTTP"])
async def test_a_collector_in_trouble_changes_no_answer(trouble: str, environment: dict[str, str]):
    with ExitStack() as stack:
        url = refused()
        if trouble == "speaks no HTTP":
            url = stack.enter_context(speaking_no_http())
        elif trouble != "refused":
            collector = stack.enter_context(collecting(503, hung=trouble == "hangs"))
            url = collector.url
        async with LINE.over_stdio({"MCP_OBS_ENDPOINT": url} | environment) as peer:
            for _ in range(20):
                assert await peer.call("add", a=1, b=2) == Answer("3")
            assert (await peer.call("fail", reason="the disk is full")).is_error


@pytest.mark.behaviour("exit.flush", "host.silent-stdout")
def test_a_healthy_collector_gets_what_was_recorded_right_before_exit(start: Start):
    with collecting() as collector:
        process = start(collector.url)
        assert process.communicate(timeout=60) == ("recorded\n", "")
    assert collector.spans == ["ping"]
    ((path, headers),) = collector.requests
    assert path == "/v1/traces"
    assert headers["authorization"] == "Bearer mcpobs_test_key"
    assert headers["content-type"] == "application/x-protobuf"


@pytest.mark.behaviour("exit.flush-on-sigterm")
def test_sigterm_sends_what_is_queued_and_still_ends_the_process(start: Start):
    with collecting() as collector:
        process = start(collector.url, then="sys.stdin.read()")
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        process.terminate()
        process.communicate(timeout=60)
    assert collector.spans == ["ping"]
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("handled", [False, True])
def test_who_configures_outside_the_main_thread_is_told_that_sigterm_sends_nothing(
    handled: bool, environment: dict[str, str]
):
    program = f"""
import signal, sys, threading, mcp_obs
if {handled}:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
thread = threading.Thread(target=mcp_obs.configure_mcp_telemetry)
thread.start()
thread.join()
"""
    told = {"MCP_OBS_ENDPOINT": refused()} | environment
    process = recording_process(told, command=[sys.executable, "-c", program])
    out, err = process.communicate(timeout=60)
    assert out == ""
    assert err.count("configured outside the main thread") == (not handled)


@pytest.mark.behaviour("exit.bounded")
def test_sigterm_does_not_wait_for_a_collector_that_hangs(start: Start):
    with collecting(hung=True) as collector:
        process = start(collector.url, then=f"mcp_obs._exit.EXIT_SECONDS = {LONG}; sys.stdin.read()")
        collector.wait_for_request()
        terminated = time.monotonic()
        process.terminate()
        process.communicate(timeout=BOUND)
        seconds = time.monotonic() - terminated
    # Twice that, if the flush were waited for and then the exporter.
    assert LONG / 2 < seconds < 2 * LONG
    assert process.returncode == -signal.SIGTERM


@pytest.mark.behaviour("exit.host-handler")
def test_a_uvicorn_server_that_is_terminated_sends_what_is_queued(start: Start):
    # uvicorn raises the signal again after it has shut down, so its process never gets to atexit.
    server = """
import uvicorn
async def app(scope, receive, send):
    assert (await receive())["type"] == "lifespan.startup"
    await send({"type": "lifespan.startup.complete"})
    print("up", flush=True)
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})
uvicorn.run(app, host="127.0.0.1", port=0, log_level="error")
"""
    with collecting() as collector:
        process = start(collector.url, then=server)
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == ["recorded\n", "up\n"]
        process.terminate()
        process.communicate(timeout=60)
    assert collector.spans == ["ping"]
    assert process.returncode == -signal.SIGTERM


@pytest.mark.behaviour("exit.host-handler")
def test_the_sigterm_handler_of_the_host_is_left_alone(start: Start):
    host = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print(); sys.stdin.read()"
    with collecting() as collector:
        process = start(collector.url, then=host)
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == ["recorded\n", "\n"]
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 7
    assert collector.spans == ["ping"]


@pytest.mark.skipif(
    not hasattr(stdio, "PROCESS_TERMINATION_TIMEOUT"),
    reason="clients before mcp 1.11 wait for no server's exit",
)
def test_the_flush_leaves_half_of_the_time_until_a_client_kills_to_the_rest_of_the_exit():
    assert EXIT_SECONDS <= stdio.PROCESS_TERMINATION_TIMEOUT / 2


@pytest.mark.behaviour("exit.bounded")
@pytest.mark.parametrize("trouble", ["refused", "hangs"])
def test_exit_is_bounded_however_the_collector_fails(trouble: str, start: Start):
    with collecting(hung=True) as collector:
        process = start(refused() if trouble == "refused" else collector.url)
        process.communicate(timeout=BOUND)
    assert process.returncode == 0


@pytest.mark.behaviour("exit.bounded")
def test_many_exporters_that_wait_for_a_collector_are_left_beside_each_other():
    told = PATIENT | {"MCP_OBS_METRICS": "true", "MCP_OBS_EXPORTER": ",".join(["otlp-http"] * 40)}
    with collecting(hung=True) as collector:
        process = recording_process(told | {"MCP_OBS_ENDPOINT": collector.url}, then="sys.stdin.read()")
        collector.wait_for_request()
        left = time.monotonic()
        process.communicate(timeout=BOUND)
        seconds = time.monotonic() - left
    assert process.returncode == 0
    # Half a second and the interpreter's own end. With 0.1 s for each of the 80, spans and metrics, it were 8.4 s.
    assert seconds < 6


@pytest.mark.behaviour("host.silent-stdout")
@pytest.mark.parametrize("metrics", ["false", "true"])
def test_a_server_that_ends_right_after_its_first_call_leaves_no_traceback(
    metrics: str, environment: dict[str, str]
):
    client = {"name": "kit", "version": "1"}
    requests: list[dict[str, Any]] = [
        {
            "method": "initialize",
            "params": {"protocolVersion": LAST_LEGACY_REVISION, "capabilities": {}, "clientInfo": client},
        },
        {"method": "tools/call", "params": {"name": "add", "arguments": {"a": 1, "b": 2}}},
    ]
    with collecting() as collector:
        told = environment | {"MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_METRICS": metrics}
        server = recording_process(told, command=stdio_command(LINE.name))
        assert server.stdin is not None
        assert server.stdout is not None
        for number, request in enumerate(requests):
            server.stdin.write(dumps({"jsonrpc": "2.0", "id": number, **request}) + "\n")
            server.stdin.flush()
            assert '"result"' in server.stdout.readline()
            if request["method"] == "initialize":
                server.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        _, err = server.communicate(timeout=60)
    assert "tools/call add" in collector.spans
    assert server.returncode == 0
    # mcp 1.x logs its requests there.
    assert "Traceback" not in err
