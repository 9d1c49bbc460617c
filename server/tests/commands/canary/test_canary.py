"""The canary as a process against a real server, and against one whose engine is tampered with."""

import json
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx2
import pytest
from inline_snapshot import snapshot
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clickhouse_front import Front
from clickhouse_front.process import PASSWORD, USER
from command_line import SECONDS, CommandLine, Ended
from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.views import VIEWS
from server_process import running
from serving import serving
from waiting import until

DATABASE = "canary"
# On a busy machine an insert comes after seconds.
ENOUGH = "15s"


@dataclass(frozen=True)
class Deployment:
    """A server on a ClickHouse server that the test reaches behind its back."""

    command_line: CommandLine
    engine: Engine

    @contextmanager
    def tampered(self, view: str, right: str, wrong: str) -> Generator[None]:
        """What this view does, another way."""
        assert VIEWS[view].count(right) == 1
        self._make(view, VIEWS[view].replace(right, wrong))
        try:
            yield
        finally:
            self._make(view, VIEWS[view])

    def _make(self, view: str, sql: str) -> None:
        self.engine.command(f"DROP TABLE {view}")
        self.engine.command(sql)


@dataclass(frozen=True)
class Between:
    """Hands requests on to the server, and its answers to one question, if any, back changed."""

    server: httpx2.AsyncClient
    spool: Path
    question: str | None
    tamper: Callable[[Any], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer when all that was acknowledged is stored, so that nothing else differs."""
        request = Request(scope, receive)
        is_question = request.method == "GET"
        if is_question:
            await until(self._everything_is_stored)
        answer = await self.server.request(
            request.method,
            f"{request.url.path}?{request.url.query}",
            headers={name: value for name, value in request.headers.items() if name != "host"},
            content=await request.body(),
        )
        content = answer.content
        if is_question and self.question and f"/{self.question}" in request.url.path:
            changed = answer.json()
            self.tamper(changed)
            content = json.dumps(changed).encode()
        response = Response(content, answer.status_code, media_type=answer.headers.get("content-type"))
        await response(scope, receive, send)

    async def _everything_is_stored(self) -> bool:
        return not any(self.spool.rglob("*.segment"))


def leave(_: Any) -> None:
    """Change nothing."""


@asynccontextmanager
async def between(
    deployment: Deployment, question: str | None = None, tamper: Callable[[Any], None] = leave
) -> AsyncGenerator[CommandLine]:
    """A shell that reads nothing before everything is stored, and the answers to this question changed."""
    shell = deployment.command_line
    address = shell.environment["MCP_OBS_URL"]
    async with (
        httpx2.AsyncClient(base_url=address, timeout=SECONDS) as server,
        serving(Between(server, shell.folder / "spool", question, tamper)) as url,
    ):
        yield shell.with_environment(MCP_OBS_URL=url)


@pytest.fixture(scope="module")
def deployment(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    data = tmp_path_factory.mktemp("data")
    store = f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{front.port}/{DATABASE}"
    with running(data, MCP_OBS_STORE=store) as server:
        engine = Engine.connect(front.location(DATABASE))
        environment = {"MCP_OBS_URL": server.url, "MCP_OBS_DATA_DIR": str(data)}
        yield Deployment(CommandLine(data, environment), engine)
        engine.close()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


def only_round(ended: Ended) -> dict[str, Any]:
    """The one round that was printed as JSON."""
    assert ended.err == ""
    first, summary = map(json.loads, ended.out.splitlines())
    assert summary["rounds"] == 1
    return first


async def test_what_is_written_is_read_back_as_it_was_and_the_key_is_revoked(deployment: Deployment) -> None:
    ended = await deployment.command_line("canary")
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(
        r"round 1: 61 spans, 30 calls of canary-[0-9a-f]{8}-1: read back as written, all of it after \d+\.\d s\n",
        ended.out,
    )
    keys = json.loads((await deployment.command_line("keys", "list", "--server", "canary", "--json")).out)
    assert keys
    assert all(key["revoked_at"] for key in keys)


def kinds(differences: list[dict[str, str]]) -> Counter[tuple[str, ...]]:
    """How many differences there are of each kind, with what differs from run to run left out."""
    numbered = [
        tuple(re.sub(r"[0-9a-f]{8,}|\d+\.\d+", "#", value) for value in each.values()) for each in differences
    ]
    # A cursor steps over the copy of a page's last span: where pages end is another place in every run.
    return Counter(
        kind
        for kind in numbered
        if not kind[0].startswith("search by") and (kind[0], kind[3]) != ("search", "2 times")
    )


async def test_every_span_that_is_lost_stored_twice_or_changed_is_told(deployment: Deployment) -> None:
    wrong = (
        "* EXCEPT (copy) REPLACE (if(outcome = 'cancelled', 'ok', outcome) AS outcome) FROM decoded_spans"
        " ARRAY JOIN multiIf(error_type = '-32602' OR name = 'tools/list', [],"
        " outcome = 'input_required', [1, 2], [1]) AS copy"
    )
    with deployment.tampered("decoded_spans_to_spans", "* FROM decoded_spans", wrong):
        async with between(deployment) as command_line:
            ended = await command_line("canary", "--json", "--within", "1s")
    assert ended.code == 1
    assert kinds(only_round(ended)["differences"]) == snapshot(
        Counter(
            {
                ("search", "span # of trace #", "once", "not there"): 2,
                ("trace #", "span # of trace #", "once", "not there"): 2,
                ("trace # span #", "outcome", "cancelled", "ok"): 2,
                ("trace #", "span # of trace #", "once", "2 times"): 1,
                (
                    "trace #",
                    "answer",
                    "an answer",
                    "This server sent no span of the trace #, or none that is still kept.",
                ): 1,
            }
        )
    )


async def test_wrong_rollups_are_told_in_a_table(deployment: Deployment) -> None:
    with (
        deployment.tampered("operations_to_operations_15m", "sum(part.calls)", "sum(part.calls) + 1"),
        deployment.tampered("operations_to_operations_1h", "sum(part.calls)", "sum(part.calls) + 1"),
        deployment.tampered("decoded_spans_to_operations", "sumIf(weight * duration_ns", "sumIf(weight * 9"),
    ):
        async with between(deployment) as command_line:
            ended = await command_line("canary", "--within", "1s")
    assert (ended.code, ended.err) == (1, "")
    first, headings, *rows = ended.out.splitlines()
    assert re.fullmatch(r"round 1: 61 spans, 30 calls of canary-\w+-1: \d differences", first)
    assert headings.split() == ["WHERE", "WHAT", "WRITTEN", "READ"]
    found = {what: (written, read) for _, what, written, read in (re.split(r" {2,}", row) for row in rows)}
    assert {"calls", "error_rate", "calls over time", "p50_ms"} <= found.keys()
    assert float(found["calls"][1]) > float(found["calls"][0]) == 32


def lose_one(page: Any) -> None:
    del page["spans"][:1]


def rename_one(trace: Any) -> None:
    trace["spans"][0]["name"] = "another"


def count_one_more(overview: Any) -> None:
    overview["calls"]["value"] += 1


@pytest.mark.parametrize(
    ("question", "tamper", "told"),
    [
        pytest.param("traces", rename_one, "trace", id="by id"),
        pytest.param("spans", lose_one, "search", id="by search"),
        pytest.param("overview", count_one_more, "rollup", id="from the rollups"),
    ],
)
async def test_a_difference_in_one_way_of_reading_alone_ends_with_1(
    deployment: Deployment, question: str, tamper: Callable[[Any], None], told: str
) -> None:
    async with between(deployment, question, tamper) as command_line:
        ended = await command_line("canary", "--json", "--within", "1s")
    assert ended.code == 1
    assert {each["where"].split()[0] for each in only_round(ended)["differences"]} == {told}


async def test_what_can_not_be_read_in_time_is_told(deployment: Deployment) -> None:
    with deployment.tampered("otlp_traces_to_decoded_spans", "FROM otlp_traces", "FROM otlp_traces WHERE 0"):
        ended = await deployment.command_line("canary", "--within", "1s")
    assert ended.code == 1
    assert re.search(r"rollup of canary-\w+-1 +calls +32 +0", ended.out)
    assert re.search(r"once +not there", ended.out)
    assert re.search(r"\.\.\. and \d+ more\.\n$", ended.out)


async def test_a_soak_ends_by_itself_when_its_time_is_over(deployment: Deployment) -> None:
    # A round takes longer than this second.
    ended = await deployment.command_line("canary", "--for", "1s")
    assert (ended.code, ended.err) == (0, "")
    first, last = ended.out.splitlines()
    assert first.startswith("round 1: 61 spans")
    assert last.startswith("1 of 1 rounds read back as written (61 spans)")


async def test_a_soak_goes_on_until_ctrl_c_and_then_sums_up(deployment: Deployment) -> None:
    process = await deployment.command_line.start("canary", "--for", "1h")
    assert process.stdout is not None
    with anyio.fail_after(SECONDS):
        lines = [await process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert [line.split(b":")[0] for line in lines] == [b"round 1", b"round 2"]
    assert (process.returncode, err) == (0, b"")
    last = out.decode().splitlines()[-1]
    assert re.fullmatch(
        r"(\d) of \1 rounds read back as written \(\d+ spans\), the slowest after \d+\.\d s", last
    )


async def test_an_export_that_is_refused_is_a_difference(deployment: Deployment) -> None:
    # The server of the canary is deleted while its key is in use: the door closes at once.
    process = await deployment.command_line.start("canary", "--for", "1h", "--within", ENOUGH, "--json")
    assert process.stdout is not None
    with anyio.fail_after(SECONDS):
        assert json.loads(await process.stdout.readline())["differences"] == []
        deleted = await deployment.command_line("servers", "delete", "canary", "--yes")
        assert deleted.code == 0, deleted.err
        while not (differences := json.loads(await process.stdout.readline())["differences"]):
            pass
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"keys revoke mcpobs_test_" in err
    assert differences
