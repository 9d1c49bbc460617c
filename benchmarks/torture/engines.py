"""Where the store is, and what happens to it beside the kills."""

import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from clickhouse_front import Fault, Front, running_front
from clickhouse_front.process import PASSWORD, USER
from mcp_obs_server.store import StoreLocation

_FAULTS = (Fault.UNAVAILABLE, Fault.DROP, Fault.STORE_AND_DROP, Fault.CUT)


@dataclass(frozen=True)
class Engine:
    """A store's place."""

    name: str
    location: StoreLocation
    arguments: Sequence[str]
    """How `mcp-obs start` is told."""
    trouble: Callable[[random.Random], str]
    """Something that goes wrong with it now, and what it was."""


@contextmanager
def embedded(folder: Path) -> Generator[Engine]:
    """In the server's own process, so that each kill is one of the engine."""
    yield Engine("embedded", folder / "data" / "telemetry", (), lambda _: "the engine dies with the server")


@contextmanager
def behind_http(folder: Path) -> Generator[Engine]:
    """Behind ClickHouse's HTTP interface."""
    place = folder / "front"
    place.mkdir()
    with running_front(place) as front:
        url = f"clickhouse://{quote(USER)}:{quote(PASSWORD)}@127.0.0.1:{front.port}/mcp_obs"
        yield Engine("behind HTTP", front.location(), ("--store", url), partial(_trouble, front))


def _trouble(front: Front, choose: random.Random) -> str:
    if choose.random() < 0.3:
        front.stop()
        front.start()
        return "the engine is killed"
    faults = choose.choices(_FAULTS, k=choose.randint(1, 4))
    front.plan(*faults)
    return f"the engine's next answers: {', '.join(faults)}"
