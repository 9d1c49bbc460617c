"""A backup of a running server holds what was acknowledged before it, once; a restored folder is that server."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest
from click.testing import CliRunner

from command_line import MCP_OBS
from mcp_obs_server.backup import control_plane
from mcp_obs_server.backup.endpoints import hold
from mcp_obs_server.backup.service import BackupService
from mcp_obs_server.commands.backup import backup
from mcp_obs_server.commands.restore import restore
from mcp_obs_server.kit.clock import utc_now
from mcp_obs_server.kit.errors import ConflictError
from mcp_obs_server.store import TelemetryStore
from otlp_exports import SECOND, counter, logs_export, metrics_export
from sending import ITEMS_PER_EXPORT, STORED_EXPORTS, Sender
from server_process import Running, counts, new_key, read, running
from waiting import until


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MCP_OBS_")}
    return subprocess.run(
        [MCP_OBS, *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env=inherited,
    )


def in_process(verb: click.Command, *words: str | Path) -> tuple[int, str, str]:
    """The same without the second that a process takes."""
    ended = CliRunner().invoke(verb, [str(word) for word in words], env={"MCP_OBS_TOKEN": None})
    return ended.exit_code, ended.stdout, ended.stderr


@dataclass(frozen=True)
class Backups:
    """A server's folder after it was killed, and backups of it."""

    data: Path
    running: Path
    stopped: Path
    before: list[str]
    """The exports acknowledged before the first backup was asked for."""
    acknowledged: list[str]
    """Those acknowledged before the server was killed."""
    key: str
    answers: list[Any]
    """What questions about metrics and logs were answered before the first backup."""
    rows: list[list[dict[str, Any]]]
    """What the killed server had stored of them."""


# What is there of metrics and logs: sums of the rollups, as parts that are merged meanwhile are still the same figures.
STORED = (
    "SELECT * FROM metric_points ORDER BY time, metric_name",
    "SELECT * FROM logs ORDER BY time",
    *(
        f"SELECT metric_name, start, series_id, sum(points), sum(total) FROM metrics_{length}"
        " GROUP BY ALL ORDER BY ALL"
        for length in ("15m", "1h")
    ),
    "SELECT metric_name, start, series_id, any(attributes) FROM metric_series GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
)
QUESTIONS = ("metrics", "metrics/series?name=mcp.errors&by=tool", "performance_metrics", "logs")


async def asked(server: Running, data: Path) -> list[Any]:
    """The answers to questions about metrics and logs."""
    owner = {"authorization": f"Bearer {(data / 'access-token').read_text().strip()}"}
    async with httpx2.AsyncClient(
        base_url=f"{server.url}/api/servers/1/", headers=owner, timeout=60
    ) as client:
        answers = [(await client.get(question)).raise_for_status().json() for question in QUESTIONS]
    return [without_now(each) for each in answers]


def without_now(answer: Any) -> Any:
    """An answer without what depends on when it was asked for: the range, and the quarters without anything."""
    return {
        **{name: value for name, value in answer.items() if name not in ("range", "groups")},
        "points": [
            (group["value"], point)
            for group in answer.get("groups", ())
            for point in group["points"]
            if point["increase"]
        ],
    }


async def send_metrics_and_logs(server: Running, key: str, data: Path) -> list[Any]:
    """What is asked of them as soon as they are stored."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    hour = 3600 * SECOND
    start = time.time_ns() // hour * hour - hour
    errors = counter({start: 3, start + 900 * SECOND: 4}, attributes={"tool": "search"})
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
        for signal_name, request in (("metrics", metrics_export(errors)), ("logs", logs_export(5, start))):
            sent = await client.post(f"/v1/{signal_name}", content=request.SerializeToString())
            sent.raise_for_status()
    answers: list[Any] = []

    async def everything_is_stored() -> bool:
        answers[:] = await asked(server, data)
        metrics, series, performance, logs = answers
        found = (metrics["metrics"], series["points"], performance["rows"], logs["logs"])
        return [len(each) for each in found] == [1, 2, 2, 5]

    await until(everything_is_stored)
    return answers


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backups]:
    """One taken while senders send, and one after kill -9."""
    folder = tmp_path_factory.mktemp("backup")
    data, first, second = folder / "data", folder / "running.tar", folder / "stopped.tar"
    with running(data) as server:
        key = new_key(server, data)
        answers = asyncio.run(send_metrics_and_logs(server, key, data))
        senders = [Sender(server.url, key, seed=seed) for seed in (1, 2)]
        for sender in senders:
            sender.start()
        assert senders[0].halfway.wait(60)
        before = [export for sender in senders for export in sender.acknowledged]
        taken = run("backup", first, "--url", server.url, "--data-dir", data)
        os.kill(server.process.pid, signal.SIGKILL)
        for sender in senders:
            sender.join()
    assert (taken.returncode, taken.stderr) == (0, "")
    taken = run("backup", second, "--data-dir", data)
    assert (taken.returncode, taken.stdout, taken.stderr) == (
        0,
        f"Wrote {second}: {second.stat().st_size:,} bytes.\n",
        "",
    )
    acknowledged = [export for each in senders for export in each.acknowledged]
    yield Backups(data, first, second, before, acknowledged, key, answers, read(data, *STORED))


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
async def test_every_acknowledged_span_metric_and_log_is_there_once_after_a_restore_and_answers_as_before(
    backups: Backups, tmp_path: Path, is_running: bool
) -> None:
    archive = backups.running if is_running else backups.stopped
    restored = run("restore", archive, "--data-dir", tmp_path / "data")
    assert (restored.returncode, restored.stderr) == (0, "")
    token = (backups.data / "access-token").read_text().strip()
    with running(tmp_path / "data") as server:
        me = httpx2.get(f"{server.url}/api/me", headers={"authorization": f"Bearer {token}"}, timeout=60)
        assert me.raise_for_status().json()["user"]["email"] == "owner@localhost"
        # The folder has a token of its own again.
        own = {"authorization": f"Bearer {(tmp_path / 'data' / 'access-token').read_text().strip()}"}
        assert httpx2.post(f"{server.url}/api/sign-in-links", headers=own, timeout=60).is_success
        with_old_key = {"authorization": f"Bearer {backups.key}", "content-type": "application/x-protobuf"}
        assert httpx2.post(
            f"{server.url}/v1/traces", content=b"", headers=with_old_key, timeout=60
        ).is_success
        assert await asked(server, tmp_path / "data") == backups.answers
        server.process.terminate()
        assert server.process.wait(60) == 0
    found = counts(tmp_path / "data")
    assert found["spans"] == found["different"] == found["quarters"] == found["hours"]
    (stored,) = read(tmp_path / "data", STORED_EXPORTS["traces"])
    exports = {row["export"] for row in stored if row["items"] == ITEMS_PER_EXPORT}
    assert exports >= set(backups.before if is_running else backups.acknowledged)
    assert [len(rows) for rows in backups.rows] == [2, 5, 2, 1, 1]
    assert read(tmp_path / "data", *STORED) == backups.rows


def test_a_backup_is_nobody_else_s_and_leaves_nothing_beside_it(backups: Backups) -> None:
    assert {path.stat().st_mode & 0o777 for path in (backups.running, backups.stopped)} == {0o600}
    assert {path.name for path in backups.running.parent.iterdir()} == {"data", "running.tar", "stopped.tar"}
    assert not (backups.data / "backup").exists()


def test_neither_a_backup_nor_a_folder_is_overwritten(backups: Backups) -> None:
    size = backups.stopped.stat().st_size
    assert in_process(backup, backups.stopped, "--data-dir", backups.data) == (
        1,
        "",
        f"Error: {backups.stopped} is there already: choose another name.\n",
    )
    assert backups.stopped.stat().st_size == size
    assert in_process(restore, backups.stopped, "--data-dir", backups.data) == (
        1,
        "",
        f"Error: {backups.data} is not empty: choose another folder with --data-dir.\n",
    )


def test_a_damaged_backup_is_refused_in_a_sentence(backups: Backups, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(backups.stopped.read_bytes()[:-2000])
    assert in_process(restore, damaged, "--data-dir", tmp_path / "data") == (
        1,
        "",
        f"Error: {damaged} ends before its end: it was cut off, or declares more than it has.\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.tar"]


def test_a_place_that_can_not_be_written_is_named(backups: Backups, tmp_path: Path) -> None:
    code, out, err = in_process(backup, tmp_path / "no" / "where.tar", "--data-dir", backups.data)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {tmp_path}/no/where.tar can't be written: ")


def test_without_a_server_and_without_a_folder_it_says_what_to_give(tmp_path: Path) -> None:
    code, out, err = in_process(backup, tmp_path / "x.tar", "--data-dir", tmp_path / "nothing")
    assert (code, out, "give the server's folder with --data-dir" in err) == (1, "", True)
    assert not list(tmp_path.iterdir())


def test_a_stopped_server_on_clickhouse_is_backed_up_without_its_telemetry(
    backups: Backups, tmp_path: Path
) -> None:
    archive, store = tmp_path / "control.tar", "clickhouse://127.0.0.1/x"
    code, _, err = in_process(backup, archive, "--data-dir", backups.data, "--store", store)
    assert (code, err) == (
        0,
        "Without the telemetry: it is on a ClickHouse server, which has its own BACKUP.\n",
    )
    _, out, _ = in_process(restore, archive, "--data-dir", tmp_path / "data")
    assert "Its telemetry is on a ClickHouse server: restore that too" in out
    assert (tmp_path / "data" / "control.db").exists()
    assert not (tmp_path / "data" / "telemetry").exists()


async def test_a_running_server_on_clickhouse_says_how(server_store: TelemetryStore, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="Stop mcp-obs, back up the database"):
        async with BackupService(tmp_path, server_store, {}, utc_now).take():
            pass


async def test_a_server_whose_accounts_are_in_postgresql_says_how(
    store: TelemetryStore, tmp_path: Path
) -> None:
    service = BackupService(tmp_path, store, {}, utc_now, control_is_shared=True)
    with pytest.raises(ConflictError, match=r"Stop every mcp-obs .* pg_dump, and then ClickHouse's BACKUP"):
        async with service.take():
            pass


def test_a_folder_of_accounts_that_are_now_in_postgresql_is_not_taken_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "control.db").touch()
    monkeypatch.setenv("MCP_OBS_CONTROL", "postgresql://obs@db.example/obs")
    code, out, err = in_process(backup, tmp_path / "x.tar", "--data-dir", tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("Error: Accounts and keys are in PostgreSQL, which has its own pg_dump.")
    assert not (tmp_path / "x.tar").exists()


async def test_a_file_that_can_not_be_read_is_no_database_that_is_away(
    store: TelemetryStore, tmp_path: Path
) -> None:
    (tmp_path / "control.db").write_bytes(b"no database" * 100)
    with pytest.raises(RuntimeError, match="can't be taken"):
        await hold(BackupService(tmp_path, store, {}, utc_now).take())


def test_a_stopped_folder_of_several_processes_says_how_without_the_variable(tmp_path: Path) -> None:
    (tmp_path / "process-id").write_text("0" * 32)
    code, out, err = in_process(backup, tmp_path / "x.tar", "--data-dir", tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("Error: Accounts and keys are in PostgreSQL, which has its own pg_dump.")
    assert not (tmp_path / "control.db").exists()


def test_a_control_plane_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    with pytest.raises(OSError, match=r"control\.db can't be read"):
        control_plane.copy(tmp_path, copies)
    assert not (tmp_path / "control.db").exists()


async def test_one_backup_is_taken_at_a_time(store: TelemetryStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "control.db")) as control:
        control.execute("CREATE TABLE alembic_version AS SELECT '0001' AS version_num")
    service = BackupService(tmp_path, store, {}, utc_now)
    async with service.take():
        with pytest.raises(ConflictError, match="Another backup"):
            async with service.take():
                pass
    assert [path.name for path in tmp_path.iterdir()] == ["control.db"]
