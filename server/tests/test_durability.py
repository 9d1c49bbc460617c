"""The promise behind every 200: what was acknowledged is there after kill -9, once."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from mcp_obs_server.ingest.signal import SignalName
from otlp_exports import SECOND, export
from sending import ITEMS_PER_EXPORT, STORED_EXPORTS, Sender
from server_process import counts, new_key, read, running

# As an mcp-obs from before the first release left a folder that was killed between an insert and its end.
_EARLIER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from mcp_obs_server.store import TelemetryStore
data = Path(sys.argv[1])
store = TelemetryStore.open(data / "telemetry", timedelta(days=30))
applied = "INSERT INTO schema_history SELECT '0002_operations', {digest:String}, now() + 10"
digest = "05a3b1543007245f0c15537a35a0663d64f840d9fcdc4b67858c1b74c183cbac"
asyncio.run(store.command(applied, {"digest": digest}))
store.close()
segment = data / "spool/traces" / f"{1:020d}-{1:08d}-{'0' * 16}.segment"
segment.parent.mkdir(parents=True)
segment.write_bytes(b"x")
"""
# What each signal's rollups count, in both lengths.
_ROLLED_UP: dict[SignalName, list[str]] = {
    "traces": [
        f"SELECT sum(calls) AS items FROM operations_{length} WHERE grain = 'server'"
        for length in ("15m", "1h")
    ],
    "metrics": [f"SELECT sum(points) AS items FROM metrics_{length}" for length in ("15m", "1h")],
    "logs": [],
}


def _start_to_end(folder: Path) -> "subprocess.CompletedProcess[str]":
    """A start that does not come to serve."""
    return subprocess.run(
        [Path(sys.executable).with_name("mcp-obs"), "start", "--data-dir", folder, "--port", "0"],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )


def test_a_folder_whose_figures_have_to_be_made_again_is_not_opened_while_spans_wait(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _EARLIER, str(tmp_path)], check=True)
    ended = _start_to_end(tmp_path)
    assert ended.returncode == 1
    assert "until the spool is empty" in ended.stderr


def test_every_acknowledged_export_of_every_signal_is_there_whole_and_once_after_kill_9(
    tmp_path: Path,
) -> None:
    acknowledged = {name: set[str]() for name in STORED_EXPORTS}
    in_doubt = 0
    for crash in range(3):
        with running(tmp_path) as server:
            key = new_key(server, tmp_path)
            seeds = (2 * crash, 2 * crash + 1)
            senders = [Sender(server.url, key, seed, name) for name in STORED_EXPORTS for seed in seeds]
            for sender in senders:
                sender.start()
            for sender in senders:
                assert sender.halfway.wait(60)
            os.kill(server.process.pid, signal.SIGKILL)
            for sender in senders:
                sender.join()
        for sender in senders:
            acknowledged[sender.signal_name].update(sender.acknowledged)
        # The one export that each sender had under way may have become durable without the answer.
        in_doubt += len(seeds)
    with running(tmp_path) as server:
        server.process.terminate()
        server.process.wait(60)

    for name, sql in STORED_EXPORTS.items():
        stored, *rolled_up = read(tmp_path, sql, *_ROLLED_UP[name])
        assert {(row["items"], row["different"]) for row in stored} == {(ITEMS_PER_EXPORT, ITEMS_PER_EXPORT)}
        assert acknowledged[name] <= {row["export"] for row in stored}
        assert len(stored) <= len(acknowledged[name]) + in_doubt
        assert [row["items"] for (row,) in rolled_up] == [len(stored) * ITEMS_PER_EXPORT] * len(rolled_up)
    assert not list((tmp_path / "spool").rglob("*.segment"))


def test_sigterm_and_ctrl_c_bring_everything_into_the_engine_first(tmp_path: Path) -> None:
    for seed, number in enumerate((signal.SIGTERM, signal.SIGINT), 1):
        with running(tmp_path) as server:
            headers = {
                "authorization": f"Bearer {new_key(server, tmp_path)}",
                "content-type": "application/x-protobuf",
            }
            body = export(ITEMS_PER_EXPORT, seed=seed, start=time.time_ns() - 60 * SECOND).SerializeToString()
            httpx2.post(
                f"{server.url}/v1/traces", content=body, headers=headers, timeout=60
            ).raise_for_status()
            server.process.send_signal(number)
            assert server.process.wait(60) == 0
        assert not list((tmp_path / "spool").rglob("*.segment"))
    assert counts(tmp_path)["spans"] == 2 * ITEMS_PER_EXPORT


def test_the_data_folder_is_nobody_elses(tmp_path: Path) -> None:
    with running(tmp_path / "data"):
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_second_server_on_the_same_folder_says_so_in_one_sentence(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        second = _start_to_end(tmp_path)
        assert second.returncode == 1
        assert second.stdout == ""
        (sentence,) = second.stderr.splitlines()
        assert f"in use by another mcp-obs (process {server.process.pid})" in sentence
        assert "--data-dir" in sentence
