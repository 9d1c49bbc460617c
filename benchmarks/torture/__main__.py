"""Kill the server under load until it is believed.

    make torture

In every round an exporter sends, and repeats what gets no answer, while mcp-obs is killed with SIGKILL at a random
moment and started again. In half of the rounds the engine is embedded; in the other half it stands behind ClickHouse's
HTTP interface, where it refuses, drops connections, stores without an answer or is killed itself. The spool is so
small that it is full again and again. In the end every span is looked for by its number (see ids.py).
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.load import Load, sending
from benchmarks.load_report import Report
from benchmarks.torture.engines import Engine, behind_http, embedded
from benchmarks.torture.outcome import Outcome, Sent, outcome_of
from benchmarks.torture.victim import Victim
from mcp_obs_server.store import TelemetryStore

ROUNDS = 12
"""On each of the two engines."""
SPANS_PER_EXPORT = 64
SPANS_PER_SECOND = 15_000
CONNECTIONS = 8
_SECONDS = (1.5, 3.0)
# After the kill, everything under way has this long to be acknowledged.
_GRACE_SECONDS = 90.0


def main() -> int:
    """Print the outcome; 1 when something was lost or stored twice, or when the spool was never full."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="to repeat a run's choices")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="on each engine")
    given = parser.parse_args()
    choose = random.Random(given.seed)
    print(f"{2 * given.rounds} rounds, each with a kill -9 under load; --seed {given.seed}", flush=True)
    outcomes = {
        name: _torture(name, opened, choose, given.rounds)
        for name, opened in (("embedded", embedded), ("behind HTTP", behind_http))
    }
    return verdict(outcomes)


def _torture(
    name: str, opened: Callable[[Path], AbstractContextManager[Engine]], choose: random.Random, rounds: int
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="mcp-obs-torture-") as folder, opened(Path(folder)) as engine:
        victim = Victim(Path(folder), engine.arguments)
        victim.start()
        try:
            sent = [_round(victim, engine, choose, number, Path(folder)) for number in range(rounds)]
        finally:
            victim.stop()
        store = TelemetryStore.open(engine.location, timedelta(days=30))
        try:
            return asyncio.run(outcome_of(sent, store))
        finally:
            store.close()


def _round(victim: Victim, engine: Engine, choose: random.Random, number: int, folder: Path) -> Sent:
    record = folder / f"acknowledged-{number}"
    seconds = choose.uniform(*_SECONDS)
    load = Load(
        port=victim.port,
        header=(f"authorization: Bearer {victim.key}",),
        connections=CONNECTIONS,
        spans=SPANS_PER_EXPORT,
        seconds=seconds,
        rate=SPANS_PER_SECOND,
        grace_seconds=_GRACE_SECONDS,
        seed=choose.randrange(2**63),
        record=record,
    )
    with sending(load) as sender:
        # The moments themselves are what is random here: a wait for an event would choose them.
        time.sleep(choose.uniform(0.1, seconds / 2))
        trouble = engine.trouble(choose)
        time.sleep(choose.uniform(0, seconds / 2))
        victim.kill()
        victim.start()
        out, _ = sender.communicate(timeout=2 * _GRACE_SECONDS)
    report = Report.from_json(out)
    answers = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    print(f"{engine.name}, round {number + 1}: {trouble}; answers: {answers}", flush=True)
    return Sent(report, np.fromfile(record, np.dtype("<u8")), SPANS_PER_EXPORT)


def verdict(outcomes: dict[str, Outcome]) -> int:
    """Print what came out; the status to end with."""
    headings = ("acknowledged", "stored", "duplicated", "lost", "in quarters", "in hours")
    print(f"\n{'engine':14}" + "".join(f"{heading:>14}" for heading in headings))
    for name, each in outcomes.items():
        counts = (each.acknowledged, each.stored, each.duplicated, each.lost, each.in_quarters, each.in_hours)
        print(f"{name:14}" + "".join(f"{count:>14,}" for count in counts))
        if each.unanswered:
            print(
                f"{'':14}{each.unanswered:,} more were sent and never answered: they may be among the stored."
            )
        if not each.refused:
            print(f"{'':14}The spool was never full: this shows less than it should.")
    exact = all(each.is_exact for each in outcomes.values())
    print("Every acknowledged span is there, once." if exact else "NOT EXACT")
    return 0 if exact and all(each.refused for each in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
