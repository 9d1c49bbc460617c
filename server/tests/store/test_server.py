"""A server is a network away: what it does not answer, and what it answers, become the store's errors."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from clickhouse_front import Fault, Front
from mcp_obs_server.store import BatchRefusedError, ClickHouse, StoreUnavailableError, TelemetryStore
from mcp_obs_server.store.engine import Engine
from otlp_exports import batch, export

# The client tries a question three times, and an insert twice.
ANY = 3


@pytest.fixture
def store(server_store: TelemetryStore, front: Front) -> Iterator[TelemetryStore]:
    """The store on a server that meets nothing any more when the test is over."""
    yield server_store
    front.plan()


async def spans(store: TelemetryStore, org_id: int) -> int:
    sql = "SELECT count() AS spans FROM spans WHERE org_id = {org_id:UInt32}"
    return (await store.rows(sql, {"org_id": org_id}))[0]["spans"]


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.DROP, Fault.STORE_AND_DROP, Fault.CUT])
async def test_a_question_without_a_whole_answer_is_an_error_and_the_next_one_is_answered(
    store: TelemetryStore, front: Front, org_id: int, fault: Fault
) -> None:
    front.plan(*[fault] * ANY)
    with pytest.raises(StoreUnavailableError):
        await spans(store, org_id)
    front.plan()
    assert await spans(store, org_id) == 0


async def test_a_server_that_never_answers_is_given_up(
    store: TelemetryStore, front: Front, org_id: int
) -> None:
    engine = Engine.connect(front.location(), answer_seconds=3)
    front.plan(*[Fault.HANG] * ANY)
    with pytest.raises(StoreUnavailableError, match=r"doesn't answer: .*timed out"):
        engine.rows("SELECT 1 AS one")
    engine.close()
    front.plan()
    assert await spans(store, org_id) == 0


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.DROP])
async def test_an_insert_that_did_not_arrive_is_an_error_and_its_repetition_is_stored(
    store: TelemetryStore, front: Front, org_id: int, fault: Fault
) -> None:
    front.plan(*[fault] * ANY)
    with pytest.raises(StoreUnavailableError):
        store.insert("traces", batch(org_id, export(7)), f"not arrived {org_id}")
    front.plan()
    store.insert("traces", batch(org_id, export(7)), f"not arrived {org_id}")
    assert await spans(store, org_id) == 7


@pytest.mark.parametrize("times", [1, 2])
async def test_an_insert_whose_answer_got_lost_is_stored_once_whoever_repeats_it(
    store: TelemetryStore, front: Front, org_id: int, times: int
) -> None:
    token = f"answer lost {org_id}"
    front.plan(*[Fault.STORE_AND_DROP] * times)
    if times == 1:
        # The client repeats it by itself.
        store.insert("traces", batch(org_id, export(7)), token)
    else:
        with pytest.raises(StoreUnavailableError):
            store.insert("traces", batch(org_id, export(7)), token)
    store.insert("traces", batch(org_id, export(7)), token)
    assert await spans(store, org_id) == 7


async def test_the_store_works_on_when_the_server_was_away(
    store: TelemetryStore, front: Front, org_id: int
) -> None:
    store.insert("traces", batch(org_id, export(3)), f"before {org_id}")
    front.stop()
    try:
        with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{front.port} doesn't answer"):
            store.insert("traces", batch(org_id, export(4, seed=2)), f"after {org_id}")
        with pytest.raises(StoreUnavailableError, match=f"127.0.0.1:{front.port} doesn't answer"):
            await spans(store, org_id)
    finally:
        front.start()
    store.insert("traces", batch(org_id, export(4, seed=2)), f"after {org_id}")
    assert await spans(store, org_id) == 7


async def test_a_batch_that_the_server_can_not_read_is_refused(store: TelemetryStore, org_id: int) -> None:
    with pytest.raises(BatchRefusedError):
        store.insert("traces", b"\x05nonsense", f"unreadable {org_id}")


def test_a_wrong_password_is_told_without_it(front: Front) -> None:
    location = ClickHouse("127.0.0.1", front.port, user="writer", password=SecretStr("gue$$ed"))
    with pytest.raises(StoreUnavailableError, match="Authentication failed") as caught:
        Engine.connect(location)
    assert "gue$$ed" not in str(caught.value)
