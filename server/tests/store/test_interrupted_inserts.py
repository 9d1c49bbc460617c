"""An insert that the embedded engine was killed in is repeated, though the engine has noted it as done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_obs_server.store.insert_tokens import forget_unfinished, write_through
from otlp_exports import NOW, batch, export

_STORED = """
import asyncio, json, sys
from datetime import timedelta
from pathlib import Path
from mcp_obs_server.store import TelemetryStore

store = TelemetryStore.open(Path(sys.argv[1]), timedelta(days=3650))
asyncio.run(store.command("SYSTEM STOP MERGES", {}))
for name in sys.argv[2:]:
    store.insert("traces", Path(name), Path(name).stem)
calls = "(SELECT sum(calls) FROM {} WHERE grain = 'server')"
counts = f"SELECT (SELECT count() FROM spans), {calls.format('operations_15m')}, {calls.format('operations_1h')}"
newest = "SELECT table, argMax(path, max_block_number) AS path FROM system.parts WHERE active GROUP BY table"
(stored,) = asyncio.run(store.rows(counts, {}))
parts = {row["table"]: row["path"] for row in asyncio.run(store.rows(newest, {}))}
print(json.dumps([list(stored.values()), parts]))
store.close()
"""


def stored(folder: Path, *batches: Path) -> tuple[list[int], dict[str, str]]:
    """What a process of its own stores: spans, calls by quarters and by hours; and each table's newest part."""
    command = [sys.executable, "-c", _STORED, str(folder / "telemetry"), *map(str, batches)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    counts, parts = json.loads(ran.stdout)
    return counts, parts


@pytest.fixture
def batches(tmp_path: Path) -> list[Path]:
    """Ten spans and ten more."""
    paths = [tmp_path / "first", tmp_path / "second"]
    for seed, path in enumerate(paths):
        path.write_bytes(batch(1, export(10, seed=seed, start=NOW)))
    return paths


@pytest.mark.parametrize("table", ["spans", "operations_15m", "operations_1h"])
def test_a_batch_whose_token_was_written_and_whose_part_was_not_is_stored_when_it_comes_again(
    table: str, tmp_path: Path, batches: list[Path]
):
    _, parts = stored(tmp_path, *batches)
    part = Path(parts[table])
    # As a kill between the two leaves it.
    part.rename(part.with_name(f"tmp_insert_{part.name}"))
    counts, _ = stored(tmp_path, batches[1])
    assert counts == [20, 20, 20]


def test_a_token_whose_part_was_merged_since_keeps_its_batch_from_being_stored_twice(
    tmp_path: Path, batches: list[Path]
):
    table, logs = table_with_tokens(tmp_path, ["1\t20261127_2_2_0\ta\n", "1\t20261127_3_3_0\tb\n"])
    (table / "20261127_1_3_1").mkdir()
    assert forget_unfinished(tmp_path) == 0
    stored(tmp_path / "real", *batches)
    assert stored(tmp_path / "real", *batches)[0] == [20, 20, 20]
    assert len(logs.read_text().splitlines()) == 2


def test_half_a_token_is_taken_out_and_those_before_it_stay(tmp_path: Path):
    table, log = table_with_tokens(tmp_path, ["1\t20261127_2_2_0\ta\n", "2\t20261126_1_1_0\tb\n", "1\t2026"])
    (table / "20261127_2_2_0_4").mkdir()
    assert forget_unfinished(tmp_path) == 1
    assert log.read_text() == "1\t20261127_2_2_0\ta\n2\t20261126_1_1_0\tb\n"


def test_only_the_newest_tokens_can_be_those_of_an_unfinished_insert(tmp_path: Path):
    _, older = table_with_tokens(tmp_path, ["1\t20261127_2_2_0\ta\n", "2\t20261127_2_2_0\ta\n"])
    newer = older.with_name("deduplication_log_10.txt")
    newer.write_text("1\t20261127_3_3_0\tb\n")
    assert forget_unfinished(tmp_path) == 1
    assert (newer.read_text(), len(older.read_text().splitlines())) == ("", 2)


def test_tokens_are_on_disk_when_they_are_written(tmp_path: Path):
    _, log = table_with_tokens(tmp_path, ["1\t20261127_2_2_0\ta\n"])
    write_through(tmp_path)
    later = log.with_name("deduplication_log_3.txt")
    later.touch()
    assert [writes_through(path) for path in (log, later)] == [can_write_through(tmp_path)] * 2


def table_with_tokens(engine: Path, lines: list[str]) -> tuple[Path, Path]:
    """A table's folder and its log of tokens."""
    table = engine / "store" / "abc" / "abcdef"
    log = table / "deduplication_logs" / "deduplication_log_2.txt"
    log.parent.mkdir(parents=True)
    log.write_text("".join(lines))
    return table, log


def writes_through(path: Path) -> bool:
    """By the file system's own tool."""
    said = subprocess.run(["lsattr", "-d", str(path)], capture_output=True, text=True, check=False)
    return "S" in said.stdout.partition(" ")[0]


def can_write_through(folder: Path) -> bool:
    """Whether this file system can do it."""
    path = folder / "one"
    path.touch()
    subprocess.run(["chattr", "+S", str(path)], capture_output=True, check=False)
    return writes_through(path)
