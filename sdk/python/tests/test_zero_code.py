"""Programs that know nothing of mcp-obs are recorded when they are run by it, or by opentelemetry-instrument."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.instrumentation.distro import DefaultDistro
from sdk_kit.collector import collecting
from sdk_kit.lines import Line, installed_lines
from sdk_kit.proofs import place_of, proven_on
from sdk_kit.recording import Recording

from mcp_obs import _telemetry
from mcp_obs._auto import Instrumentor
from mcp_obs._run.mcp_obs_after_import import after_import

LINES = installed_lines()
PLAIN_SERVER = Path(__file__).parent / "plain_server.py"
SCRIPTS = Path(sysconfig.get_path("scripts"))
RUN = [str(SCRIPTS / "mcp-obs"), "run", "--"]
OPENTELEMETRY = [str(SCRIPTS / "opentelemetry-instrument")]
# opentelemetry-distro would send to a collector of its own.
QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def started(
    command: list[str], environment: dict[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def request(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


HELLO = request(
    1,
    "initialize",
    protocolVersion="2025-06-18",
    capabilities={},
    clientInfo={"name": "kit", "version": "1"},
)
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
ADD: dict[str, Any] = {"name": "add", "arguments": {"a": 1, "b": 2}}
LEGACY = [[HELLO], [READY, request(2, "tools/call", **ADD)]]
OF_THE_CLIENT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "kit", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = [[request(2, "tools/call", **ADD, _meta=OF_THE_CLIENT)]]


def one_call(process: "subprocess.Popen[str]", conversation: Sequence[Any] = LEGACY) -> list[Any]:
    """Everything that the server writes on its standard output for one call of `add`."""
    assert process.stdin is not None
    assert process.stdout is not None
    answers: list[Any] = []
    for messages in conversation:
        process.stdin.writelines(json.dumps(each) + "\n" for each in messages)
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    rest, _ = process.communicate(timeout=60)
    return [*answers, *map(json.loads, rest.splitlines())]


@pytest.mark.behaviour("configuration.zero-code")
@pytest.mark.parametrize("launcher", [RUN, OPENTELEMETRY], ids=["mcp-obs run", "opentelemetry-instrument"])
@pytest.mark.parametrize(
    "spoken", [pytest.param(line, marks=proven_on(line, "stdio"), id=name) for name, line in LINES.items()]
)
def test_a_server_that_knows_nothing_of_it_is_recorded(spoken: Line, launcher: list[str]):
    with collecting() as collector:
        told = {"MCP_OBS_ENDPOINT": collector.url, "MCP_OBS_SERVER_NAME": "plain"} | QUIET
        process = started([*launcher, sys.executable, str(PLAIN_SERVER), spoken.name], told)
        *_, answer = one_call(process, LEGACY if place_of(spoken)[1] == "legacy" else MODERN)
    assert (process.returncode, answer["id"], answer["result"]["content"][0]["text"]) == (0, 2, "3")
    assert collector.spans.count("tools/call add") == 1
    assert collector.attributes["tools/call add"]["mcp.client.name"] == "kit"
    assert collector.resources[0]["service.name"] == "plain"


def test_the_host_s_own_provider_is_used_where_only_it_knows_a_collector():
    name = next(iter(LINES))
    with collecting() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        told |= {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} | QUIET | {"OTEL_TRACES_EXPORTER": "otlp"}
        process = started([*OPENTELEMETRY, sys.executable, str(PLAIN_SERVER), name], told)
        one_call(process)
    assert collector.spans.count("tools/call add") == 1
    assert {headers["user-agent"].partition("/")[0] for _, headers in collector.requests} == {
        "OTel-OTLP-Exporter-Python"
    }


def test_the_program_s_own_configuration_wins():
    with collecting() as ours, collecting() as theirs:
        server = PLAIN_SERVER.parent / "stdio_server.py"
        program = f"import os; os.environ['MCP_OBS_ENDPOINT'] = {theirs.url!r}; "
        program += f"import sys, runpy; sys.path.insert(0, {str(server.parent)!r}); "
        program += f"runpy.run_path({str(server)!r}, run_name='__main__')"
        told = {"MCP_OBS_ENDPOINT": ours.url}
        process = started([*RUN, sys.executable, "-c", program, next(iter(LINES))], told)
        one_call(process)
    assert (ours.spans, theirs.spans.count("tools/call add")) == ([], 1)


def test_the_exit_code_the_arguments_and_the_streams_are_the_program_s():
    program = "import sys; print(sys.stdin.read(), *sys.argv[1:]); print('no', file=sys.stderr); sys.exit(7)"
    process = started([*RUN, sys.executable, "-c", program, "--json", "-x", "a b"])
    assert process.communicate("in", timeout=60) == ("in --json -x a b\n", "no\n")
    assert process.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_program(number: signal.Signals):
    program = (
        f"import signal, sys; signal.signal({number}, lambda *_: sys.exit(9)); print(); sys.stdin.read()"
    )
    process = started([*RUN, sys.executable, "-c", program])
    assert process.stdout is not None
    assert process.stdout.readline() == "\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 9


def test_a_program_without_mcp_imports_nothing_of_ours_and_handles_its_signals_itself():
    # One that is None can't be imported.
    program = "import sys, signal; print([name for name, module in sys.modules.items()"
    program += " if module and name.startswith(('mcp', 'opentelemetry'))]"
    program += ", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, [p for p in sys.path if '_run' in p])"
    process = started([*RUN, sys.executable, "-c", program])
    assert process.communicate(timeout=60) == ("['mcp_obs_after_import'] True []\n", "")


def test_the_sitecustomize_of_the_machine_runs_too(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text("print('theirs')")
    process = started([*RUN, sys.executable, "-c", "print('program')"], {"PYTHONPATH": str(tmp_path)})
    # The first time in mcp-obs itself.
    assert process.communicate(timeout=60) == ("theirs\ntheirs\nprogram\n", "")


def test_a_python_without_mcp_obs_runs_its_program_and_says_what_is_missing(tmp_path: Path):
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp" / "__init__.py").write_text("")
    (tmp_path / "mcp" / "server.py").write_text("")
    isolated = [sys.executable, "-S", "-c", "import sitecustomize, mcp.server; print('ran')"]
    process = started([*RUN, *isolated], cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert out == "ran\n"
    assert "No module named 'mcp_obs'. Install mcp-obs there: pip install mcp-obs" in err


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["-E", "-c", "print()"], "-E"),
        (["-uI", "-c", "print()"], "-I"),
        (["-X", "utf8", "-Wignore", "-sS", "-c", "print()"], "-S"),
        (["-u", "-X", "dev", "-W", "ignore", "-c", "print('-E')", "-E"], None),
        (["-c", "print()", "-I"], None),
        (["-mplatform", "-S"], None),
    ],
)
def test_a_python_that_ignores_what_has_it_recorded_is_named(arguments: list[str], option: str | None):
    process = started([*RUN, sys.executable, *arguments])
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.count("records nothing") == (option is not None)
    assert option is None or f"Run it without {option}, or call mcp_obs.instrument(server)" in err


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("missing", None, 127, "There is no program './missing' on the PATH."),
        ("headless", "exit 0", 126, "can't be run: it has no #! line."),
        ("lost", "#!/no/such/interpreter\n", 126, "can't be run: No such file or directory."),
    ],
)
def test_what_can_t_be_run_is_told_as_a_shell_does(
    name: str, content: str | None, code: int, said: str, tmp_path: Path
):
    if content is not None:
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    process = started([*RUN, f"./{name}"], cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, said in err) == (code, True)


@pytest.fixture
def instrumentor() -> Iterator[Instrumentor]:
    """On as opentelemetry-instrument switches it on, and off again."""
    (entry,) = [each for each in entry_points(group="opentelemetry_instrumentor") if each.name == "mcp_obs"]
    distro: Any = DefaultDistro()
    distro.load_instrumentor(entry, skip_dep_check=True)
    yield Instrumentor()
    Instrumentor().uninstrument()


@pytest.mark.behaviour("configuration.zero-code")
@pytest.mark.anyio
@pytest.mark.parametrize("line", LINES.values(), ids=str)
async def test_servers_are_instrumented_from_the_one_call_until_the_other(
    line: Line, instrumentor: Instrumentor
):
    instrumentor.instrument()  # again
    with Recording() as recording:
        async with line.in_memory(line.build()) as peer:
            await peer.call("add", a=1, b=2)
            await peer.call("fail", reason="full")
    assert recording.picture("tools/call add")["kind"] == "SERVER"
    assert recording.picture("tools/call fail")["events"][0][1]["exception.message"] == "full"
    instrumentor.uninstrument()
    with Recording() as nothing:
        async with line.in_memory(line.build()) as peer:
            await peer.call("add", a=1, b=2)
    assert nothing.names == []


@pytest.mark.anyio
async def test_a_server_that_can_t_be_built_raises_its_own_error_and_the_next_one_is_instrumented(
    instrumentor: Instrumentor,
):
    line = next(iter(LINES.values()))
    server: Any = line.build()
    kind: Any = server.__class__
    with pytest.raises(TypeError, match="positional arguments"):
        kind(*range(100))
    with Recording() as recording:
        async with line.in_memory(line.build()) as peer:
            await peer.call("add", a=1, b=2)
    assert "tools/call add" in recording.names


def test_telemetry_that_was_switched_off_stays_off(
    instrumentor: Instrumentor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MCP_OBS_ENDPOINT", "http://127.0.0.1:9")
    _telemetry.use(None, enabled=False)
    try:
        next(iter(LINES.values())).build()
        assert _telemetry.current() is None
    finally:
        _telemetry.use(None)


def test_a_module_is_told_of_when_it_has_been_imported_and_keeps_its_own_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "kit_waited_for.py").write_text("value = 1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    seen: list[ModuleType] = []
    after_import("kit_waited_for", seen.append)
    assert seen == []
    __import__("kit_waited_for")
    after_import("kit_waited_for", seen.append)
    assert [module.value for module in seen] == [1, 1]
    assert {type(module.__loader__).__module__.partition(".")[0] for module in seen} & {"mcp_obs"} == set()
    after_import("kit_never_found", seen.append)
    with pytest.raises(ModuleNotFoundError):
        __import__("kit_never_found")
