import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, event, update

from control_plane import ControlPlane, CountingHasher
from mcp_obs_server.servers.keys import new_key, prefix_of
from mcp_obs_server.servers.models import ApiKey
from mcp_obs_server.servers.verifier import (
    RECHECK_SECONDS,
    UNKNOWN_SECONDS,
    ApiKeyVerifier,
)


@contextmanager
def counted_queries(control: ControlPlane) -> Generator[list[str]]:
    """The look-ups of keys that reach the database meanwhile; what runs in the background asks for other things."""
    statements: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if "FROM api_keys" in statement:
            statements.append(statement)

    event.listen(control.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(control.engine.sync_engine, "before_cursor_execute", note)


def wrong_secret(key: str) -> str:
    """Another key with this key's prefix."""
    prefix = prefix_of(key)
    assert prefix is not None
    return prefix + new_key("live")[-32:]


class PausingHasher(CountingHasher):
    """Stops before it checks, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.checking, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def matches(self, key: str, stored: str) -> bool:
        self.checking.set()
        await asyncio.wait_for(self.may_go_on.wait(), 60)
        return await super().matches(key, stored)


async def test_bcrypt_is_paid_once_for_many_uses(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    first = await control.verifier.verify(tenancy.key)
    with counted_queries(control) as queries:
        assert {await control.verifier.verify(tenancy.key) for _ in range(100)} == {first}
    assert (control.hasher.checks, queries) == (1, [])


async def test_a_hundred_first_uses_at_once_share_one_bcrypt(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    tenants = await asyncio.gather(*(control.verifier.verify(tenancy.key) for _ in range(100)))
    assert None not in tenants
    assert control.hasher.checks == 1


async def test_a_wrong_secret_is_refused_and_remembered(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    wrong = wrong_secret(tenancy.key)
    for _ in range(3):
        assert await control.verifier.verify(wrong) is None
    assert control.hasher.checks == 1


async def test_wrong_secrets_cost_no_bcrypt_once_the_right_one_is_known(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    assert await control.verifier.verify(tenancy.key)
    with counted_queries(control) as queries:
        tried = [await control.verifier.verify(wrong_secret(tenancy.key)) for _ in range(20)]
    assert (tried, control.hasher.checks, queries) == ([None] * 20, 1, [])


async def test_a_wrong_secret_first_doesn_t_shut_the_right_one_out(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    assert await control.verifier.verify(wrong_secret(tenancy.key)) is None
    assert await control.verifier.verify(tenancy.key)


async def test_an_unknown_key_is_looked_up_once_and_again_after_a_while(control: ControlPlane) -> None:
    unknown = new_key("live")
    with counted_queries(control) as queries:
        for _ in range(3):
            assert await control.verifier.verify(unknown) is None
        assert len(queries) == 1
        control.time.pass_by(timedelta(seconds=UNKNOWN_SECONDS))
        assert await control.verifier.verify(unknown) is None
        assert len(queries) == 2
    assert control.hasher.checks == 0


async def test_what_is_no_key_by_its_shape_reaches_neither_bcrypt_nor_the_database(
    control: ControlPlane,
) -> None:
    with counted_queries(control) as queries:
        assert await control.verifier.verify("mcpobs_live_short") is None
    assert (control.hasher.checks, queries) == (0, [])


async def test_a_revoked_key_is_refused_at_once(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    assert await control.verifier.verify(tenancy.key)
    await control.servers.revoke_key(tenancy.scope, tenancy.key_id)
    assert await control.verifier.verify(tenancy.key) is None


async def test_a_key_that_is_revoked_while_it_is_checked_is_not_remembered(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    hasher = PausingHasher()
    verifier = ApiKeyVerifier(control.sessions, hasher, control.last_used, control.time.timer)
    first = asyncio.create_task(verifier.verify(tenancy.key))
    await asyncio.wait_for(hasher.checking.wait(), 60)
    async with control.sessions.begin() as db:
        await db.execute(update(ApiKey).values(revoked_at=control.time()))
    verifier.forget(tenancy.key[:20])
    hasher.may_go_on.set()
    await first
    hasher.close()
    assert await verifier.verify(tenancy.key) is None


async def test_another_process_s_revocation_is_seen_within_seconds_without_bcrypt(
    control: ControlPlane,
) -> None:
    tenancy = await control.tenancy("acme")
    assert await control.verifier.verify(tenancy.key)
    control.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    assert await control.verifier.verify(tenancy.key)
    async with control.sessions.begin() as db:
        await db.execute(update(ApiKey).values(revoked_at=control.time()))
    control.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    assert await control.verifier.verify(tenancy.key) is None
    assert control.hasher.checks == 1


async def test_a_wrong_secret_at_the_time_of_the_recheck_doesn_t_drop_the_right_one(
    control: ControlPlane,
) -> None:
    tenancy = await control.tenancy("acme")
    assert await control.verifier.verify(tenancy.key)
    control.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    assert await control.verifier.verify(wrong_secret(tenancy.key)) is None
    assert await control.verifier.verify(tenancy.key)
    assert control.hasher.checks == 1


async def test_only_so_many_keys_are_remembered_and_the_others_are_checked_again(
    control: ControlPlane,
) -> None:
    verifier = ApiKeyVerifier(
        control.sessions, control.hasher, control.last_used, control.time.timer, known_keys=2
    )
    tenancy = await control.tenancy("acme")
    keys = [(await control.servers.create_key(tenancy.scope, "test")).secret for _ in range(3)]
    for _ in range(2):
        assert None not in [await verifier.verify(key) for key in keys]
    assert control.hasher.checks == 6


async def test_only_so_many_unknown_keys_are_remembered(control: ControlPlane) -> None:
    verifier = ApiKeyVerifier(
        control.sessions, control.hasher, control.last_used, control.time.timer, unknown_keys=2
    )
    keys = [new_key("live") for _ in range(3)]
    with counted_queries(control) as queries:
        for _ in range(2):
            assert [await verifier.verify(key) for key in keys] == [None] * 3
    assert len(queries) == 6


async def test_a_new_retention_is_known_at_the_next_recheck_without_another_bcrypt(
    control: ControlPlane,
) -> None:
    tenancy = await control.tenancy("acme")
    before = await control.verifier.verify(tenancy.key)
    await control.accounts.set_retention(tenancy.principal, 7)
    control.time.pass_by(timedelta(seconds=RECHECK_SECONDS))
    after = await control.verifier.verify(tenancy.key)
    assert (before and before.retention_days, after and after.retention_days) == (None, 7)
    assert control.hasher.checks == 1
