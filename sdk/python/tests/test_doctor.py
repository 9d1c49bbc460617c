"""`mcp-obs doctor`: what it finds, in what order, and what of it is sent."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from sdk_kit.collector import Collector, collecting
from sdk_kit.doctor import BARE, KEY, MCP_OBS, PLAIN_SERVERS, Ended, doctor
from sdk_kit.lines import FASTMCP, MCP

from mcp_obs.cli.doctor import checkup
from mcp_obs.cli.doctor.observing import Observation, observe, sample


@pytest.fixture(scope="module", autouse=True)
def one_sample_of_each_environment() -> Iterator[None]:
    """A server of ours records the same in the same environment; of the libraries, one tells what all would."""
    known: dict[tuple[object, ...], Observation] = {}

    def remembered(library: str, environ: Mapping[str, str], *, is_called: bool) -> Observation:
        key = (library, is_called, *sorted(environ.items()))
        if key not in known:
            known[key] = sample(library, environ, is_called=is_called)
        return known[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(checkup, "sample", remembered)
        patched.setattr(checkup, "installed_libraries", lambda: ["mcp"])
        yield


@pytest.mark.behaviour("doctor.checks")
def test_everything_is_checked_and_the_operations_of_a_sample_of_each_library_are_sent():
    with collecting() as collector:
        environment = {**BARE, "MCP_OBS_API_KEY": KEY, "MCP_OBS_ENDPOINT": collector.url}
        command = [MCP_OBS, "doctor", "--json"]
        process = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=110, check=False
        )
    ended = Ended(process.returncode, process.stdout, process.stderr)
    assert (ended.code, ended.err) == (0, ""), ended
    assert ended.statuses == {
        "mcp-obs": "ok",
        "libraries": "ok",
        "hooks": "ok",
        "configuration": "ok",
        "operations": "ok",
        "DNS": "ok",
        "TCP": "ok",
        "HTTP": "ok",
        "key": "ok",
        "clock": "ok",
        "read back": "skipped",
    }
    assert collector.spans.count("tools/list") == (2 if FASTMCP else 1)
    assert {headers["authorization"] for _, headers in collector.requests} == {f"Bearer {KEY}"}
    writes = "compiled code" if find_spec("mcp_obs._lean.compiled") else "Python"
    assert ended.checks["mcp-obs"]["found"].endswith(f", spans are written by {writes}")
    assert f"mcp {MCP}." in ended.checks["libraries"]["found"]
    assert KEY not in ended.out


@pytest.mark.behaviour("doctor.checks")
def test_a_sampler_leaves_out_no_sample_and_the_metrics_are_sent_too():
    with collecting() as collector:
        ended = doctor(
            "--json",
            MCP_OBS_API_KEY=KEY,
            MCP_OBS_ENDPOINT=collector.url,
            MCP_OBS_SAMPLER="ratio:0.0001",
            MCP_OBS_METRICS="true",
        )
    assert ended.code == 0, ended
    assert "tools/list" in collector.spans
    assert {path for path, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}


@pytest.fixture(scope="module")
def refusing() -> Iterator[Collector]:
    """A collector for all tests, as one sample is enough for one address."""
    with collecting() as collector:
        yield collector


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize(
    ("status", "name", "said"),
    [
        (401, "key", "Bearer mcpobs_live_01234567… is refused."),
        (404, "HTTP", "answers 404"),
        (503, "HTTP", "answers 503"),
    ],
)
def test_an_export_that_is_refused_is_a_problem_for_people_too(
    status: int, name: str, said: str, refusing: Collector
):
    refusing.status = status
    ended = doctor(MCP_OBS_API_KEY=KEY, MCP_OBS_ENDPOINT=refusing.url)
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("problem")]
    assert line.split()[1] == name
    assert said in line
    assert ended.out.splitlines()[-1] == "1 problem."
    assert KEY not in ended.out


@pytest.mark.behaviour("doctor.checks")
def test_where_nothing_listens_the_rest_can_t_be_known():
    # A port that is bound is nobody else's to listen on.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        ended = doctor("--json", MCP_OBS_API_KEY=KEY, MCP_OBS_ENDPOINT=f"http://127.0.0.1:{port}")
    assert ended.code == 1
    assert (ended.statuses["DNS"], ended.statuses["TCP"], ended.statuses["key"]) == (
        "ok",
        "problem",
        "skipped",
    )
    assert "mcp-obs start" in ended.checks["TCP"]["advice"]


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "neither an API key nor an endpoint"),
        ({"MCP_OBS_API_KEY": KEY, "DO_NOT_TRACK": "1"}, "Telemetry is off by DO_NOT_TRACK=1."),
    ],
)
def test_a_configuration_that_sends_nothing_is_a_problem_and_nothing_is_sent(
    environment: dict[str, str], found: str
):
    ended = doctor("--json", cwd=None, **environment)
    assert ended.code == 1
    assert ended.statuses["configuration"] == "problem"
    assert found in ended.checks["configuration"]["found"]
    assert "DNS" not in ended.statuses


@pytest.mark.behaviour("doctor.checks")
@pytest.mark.parametrize("library", PLAIN_SERVERS)
def test_a_program_is_run_and_what_its_client_asked_is_sent(library: str):
    with collecting() as collector:
        ended = doctor(
            "--json",
            "--",
            sys.executable,
            "-c",
            PLAIN_SERVERS[library],
            MCP_OBS_API_KEY=KEY,
            MCP_OBS_ENDPOINT=collector.url,
        )
    assert ended.code == 0, ended
    assert ended.checks["server"]["found"].startswith("kit speaks protocol ")
    assert "initialize" in collector.spans
    assert "tools/list" in collector.spans


def test_a_server_that_a_module_has_or_makes_is_run(tmp_path: Path):
    (tmp_path / "weather.py").write_text(
        "from mcp_obs.cli.doctor.sample_server import build\n"
        "server = build('mcp')\n"
        "low_level = getattr(server, '_lowlevel_server', None) or server._mcp_server\n"
        "def make():\n    return server\n"
    )
    for place in ("weather:server", "weather:make", "weather:low_level"):
        with collecting() as collector:
            ended = doctor("--json", place, cwd=tmp_path, MCP_OBS_ENDPOINT=collector.url)
        assert ended.code == 0, ended
        assert "tools/list" in collector.spans


def test_a_program_that_is_no_server_is_a_problem_with_its_last_words():
    program = "import sys; print('Starting...'); print('no database', file=sys.stderr)"
    ended = doctor("--json", "--", sys.executable, "-c", program, MCP_OBS_API_KEY=KEY)
    assert ended.code == 1
    assert (
        "it has ended before it answered initialize. It said: no database" in ended.checks["server"]["found"]
    )
    assert ended.checks["stdout"]["found"] == "Standard output has what is no MCP message: 'Starting...'"
    assert ended.statuses["libraries"] == "problem"
    ended = doctor("--", "./no-such-program")
    assert ended.code == 1
    assert "No such file or directory" in ended.out


def test_a_server_that_does_not_answer_is_given_up_and_ended():
    program = "import sys; sys.stdin.read()"
    seen = observe([sys.executable, "-c", program], BARE, seconds=0.2)
    assert seen.failure == "it does not answer initialize within 0.2 s"


@pytest.mark.behaviour("doctor.checks")
def test_a_hook_that_the_libraries_lack_is_told(tmp_path: Path):
    program = tmp_path / "changed.py"
    program.write_text(
        "from mcp_obs._adapters import findings\n"
        "findings.report('mcp', 'Server.hook', 'nothing of it is recorded')\n" + PLAIN_SERVERS["mcp"]
    )
    with collecting() as collector:
        ended = doctor("--json", "--", sys.executable, str(program), MCP_OBS_ENDPOINT=collector.url)
    assert (ended.code, ended.statuses["hooks"]) == (0, "warning")
    assert (
        "has no Server.hook that mcp-obs knows: nothing of it is recorded." in ended.checks["hooks"]["found"]
    )
