"""What one tenant's flood costs another tenant.

    make bench-fairness

The victim sends 64-span exports at a steady, low rate: alone, then beside a flood from another organisation, then
beside the same flood from its own, which is what everybody would get if work were not taken in turns between
organisations.
The flood is 200 connections that send as fast as they are answered, once 512 spans an export, once a single one.
"""

import asyncio
import math
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load import Load, send, sending
from benchmarks.load_report import Report
from benchmarks.processes import settle
from benchmarks.receivers.mcp_obs import McpObs, running_mcp_obs
from benchmarks.table import Requirement, number, table, verdict
from mcp_obs_server.accounts.service import AccountsService
from mcp_obs_server.kit.clock import utc_now
from mcp_obs_server.kit.database import open_database, sessions_of
from mcp_obs_server.servers.key_hasher import KeyHasher
from mcp_obs_server.servers.last_used import LastUsed
from mcp_obs_server.servers.service import ServersService
from mcp_obs_server.servers.verifier import ApiKeyVerifier

SECONDS = 6.0
VICTIM_SPANS = 64
VICTIM_EXPORTS_PER_SECOND = 40
VICTIM_CONNECTIONS = 4
FLOOD_CONNECTIONS = 200
FLOOD_SPANS = (512, 1)
# A hundredth of what an exporter waits for an answer (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s).
UNHARMED_P99_MS = 100.0
# The flood's first answers, so that it is at full force when the victim begins.
LEAD_SECONDS = 2.0


@dataclass(frozen=True)
class Outcome:
    """What the victim saw beside something, and how much of that was acknowledged."""

    beside: str
    victim: Report
    flood: Report | None = None

    @property
    def acceptance(self) -> float:
        """The part of the victim's exports that were acknowledged the first time they were sent."""
        refused = sum(count for status, count in self.victim.statuses.items() if status != "200")
        return (self.victim.exports - refused) / self.victim.started_exports


def main() -> int:
    """Print the figures; 1 when the victim is harmed."""
    with (
        tempfile.TemporaryDirectory(prefix="mcp-obs-bench-") as folder,
        running_mcp_obs(Path(folder)) as receiver,
    ):
        other_key = asyncio.run(_second_organisation(Path(folder) / "data"))
        outcomes = _measure(receiver, replace(receiver, key=other_key))
    _print(outcomes)
    return verdict(_requirements(outcomes))


async def _second_organisation(data: Path) -> str:
    """A key of an organisation that the API could not make."""
    engine = open_database(f"sqlite+aiosqlite:///{data / 'control.db'}")
    sessions, hasher = sessions_of(engine), KeyHasher()
    accounts = AccountsService(sessions, utc_now)
    verifier = ApiKeyVerifier(sessions, hasher, LastUsed(sessions, utc_now))
    servers = ServersService(sessions, utc_now, hasher, verifier)
    try:
        owner = await accounts.create_organisation("Flood", "flood@localhost", "Flood")
        server = await servers.create_server(owner, "flood")
        scope = await servers.server_scope(server.id, owner)
        return (await servers.create_key(scope, "live")).secret
    finally:
        hasher.close()
        await engine.dispose()


def _measure(mine: McpObs, others: McpObs) -> list[Outcome]:
    for receiver in (mine, others):
        send(receiver.load(1.0))  # bcrypt, the first parts, the page cache
    settle(mine.pid)
    outcomes = [Outcome("nothing", send(_victim(mine)))]
    for spans in FLOOD_SPANS:
        for whose, receiver in (("another's", others), ("its own", mine)):
            settle(mine.pid)
            beside = f"{whose} flood, {spans} span{'s' if spans > 1 else ''}"
            outcomes.append(_beside(beside, _victim(mine), receiver.load(0, FLOOD_CONNECTIONS, spans)))
    return outcomes


def _victim(receiver: McpObs) -> Load:
    load = receiver.load(SECONDS, VICTIM_CONNECTIONS, VICTIM_SPANS)
    return replace(load, rate=VICTIM_EXPORTS_PER_SECOND * VICTIM_SPANS)


def _beside(beside: str, victim: Load, flood: Load) -> Outcome:
    with sending(replace(flood, seconds=SECONDS + LEAD_SECONDS)) as flooding:
        time.sleep(LEAD_SECONDS)
        seen = send(victim)
        out, _ = flooding.communicate()
    return Outcome(beside, seen, Report.from_json(out))


def _print(outcomes: list[Outcome]) -> None:
    alone = outcomes[0].victim
    header = (
        "the victim beside",
        "p50 ms",
        "p99 ms",
        "p50 / alone",
        "p99 / alone",
        "accepted",
        "flood exports/s",
    )
    rows = [
        (
            outcome.beside,
            number(outcome.victim.p50_ms, 1),
            number(outcome.victim.p99_ms, 1),
            _ratio(outcome.victim.p50_ms, alone.p50_ms),
            _ratio(outcome.victim.p99_ms, alone.p99_ms),
            f"{outcome.acceptance:.1%}",
            number(outcome.flood and outcome.flood.exports_per_second),
        )
        for outcome in outcomes
    ]
    print(table(header, rows))


def _ratio(value: float | None, alone: float | None) -> str:
    return number(value / alone if value and alone else None, 2)


def _requirements(outcomes: list[Outcome]) -> list[Requirement]:
    _, another, own, *_ = outcomes
    beside_others = [outcome for outcome in outcomes if "its own" not in outcome.beside]
    accepted = min(outcome.acceptance for outcome in beside_others)
    slowest = max(outcome.victim.p99_ms or math.inf for outcome in beside_others)
    return [
        Requirement(
            "the victim's exports accepted beside another's flood", accepted, 1.0, is_least=True, digits=3
        ),
        Requirement(
            "its p50 beside another's flood of 512 spans, as a part of that beside its own",
            (another.victim.p50_ms or 0) / (own.victim.p50_ms or 1),
            0.5,
            is_least=False,
            digits=2,
        ),
        Requirement("its p99 ms beside another's flood", slowest, UNHARMED_P99_MS, is_least=False, digits=1),
    ]


if __name__ == "__main__":
    sys.exit(main())
