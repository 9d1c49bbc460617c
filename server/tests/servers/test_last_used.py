from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from control_plane import EACH_DATABASE, ControlPlane, Tenancy
from mcp_obs_server.servers.last_used import LastUsed
from waiting import until

pytestmark = EACH_DATABASE


async def stored(control: ControlPlane, tenancy: Tenancy) -> datetime | None:
    (key,) = await control.servers.list_keys(tenancy.scope)
    return key.last_used_at


async def test_a_use_is_written_by_the_next_flush_and_not_before(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    await control.verifier.verify(tenancy.key)
    control.time.pass_by(timedelta(seconds=1))
    await control.verifier.verify(tenancy.key)
    assert await stored(control, tenancy) is None
    await control.last_used.flush()
    assert await stored(control, tenancy) == control.time()


async def test_a_refused_key_counts_as_unused(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    await control.servers.revoke_key(tenancy.scope, tenancy.key_id)
    await control.verifier.verify(tenancy.key)
    await control.last_used.flush()
    assert await stored(control, tenancy) is None


async def test_stopping_writes_what_is_pending(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    async with LastUsed(control.sessions, control.time) as last_used:
        last_used.note(tenancy.key_id)
    assert await stored(control, tenancy) == control.time()


async def test_the_background_writes_without_being_asked(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")

    async def is_written() -> bool:
        return await stored(control, tenancy) == control.time()

    async with LastUsed(control.sessions, control.time, every=0.01) as last_used:
        last_used.note(tenancy.key_id)
        await until(is_written)


async def test_what_can_t_be_written_stays_pending(control: ControlPlane) -> None:
    tenancy = await control.tenancy("acme")
    control.last_used.note(tenancy.key_id)
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE api_keys RENAME TO elsewhere"))
    with pytest.raises(SQLAlchemyError):
        await control.last_used.flush()
    async with control.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO api_keys"))
    await control.last_used.flush()
    assert await stored(control, tenancy) == control.time()
