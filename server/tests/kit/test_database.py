from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError, StatementError

from control_plane import EACH_DATABASE, ControlPlane
from mcp_obs_server import migrations
from mcp_obs_server.accounts.models import Organisation
from mcp_obs_server.servers.models import Server

pytestmark = EACH_DATABASE
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def store(control: ControlPlane, created_at: datetime) -> datetime:
    async with control.sessions.begin() as db:
        db.add(Organisation(name="acme", created_at=created_at))
    async with control.sessions() as db:
        return (await db.get_one(Organisation, 1)).created_at


async def test_a_time_of_any_zone_comes_back_as_utc(control: ControlPlane) -> None:
    tokyo = timezone(timedelta(hours=9))
    read = await store(control, NOON.astimezone(tokyo))
    assert (read, read.tzinfo) == (NOON, UTC)


async def test_a_time_without_a_zone_is_refused(control: ControlPlane) -> None:
    with pytest.raises(StatementError, match="without a zone"):
        await store(control, NOON.replace(tzinfo=None))


async def test_what_belongs_to_nobody_is_refused(control: ControlPlane) -> None:
    with pytest.raises(IntegrityError):
        async with control.sessions.begin() as db:
            db.add(Server(org_id=7, name="of nobody", created_at=NOON))


async def test_models_and_migrations_agree(control: ControlPlane) -> None:
    async with control.engine.connect() as connection:
        await connection.run_sync(lambda sync: command.check(migrations.config_for(sync)))


async def test_upgrading_again_keeps_what_is_stored(control: ControlPlane) -> None:
    await store(control, NOON)
    await migrations.upgrade(control.engine)
    async with control.sessions() as db:
        assert (await db.get_one(Organisation, 1)).name == "acme"


async def test_the_id_of_a_deleted_server_is_never_given_again(control: ControlPlane) -> None:
    owner = await control.owner()
    first = await control.servers.create_server(owner, "first")
    async with control.sessions.begin() as db:
        await db.delete(await db.get_one(Server, first.id))
    assert (await control.servers.create_server(owner, "second")).id != first.id


async def test_an_error_leaves_a_statement_s_values_out(control: ControlPlane) -> None:
    owner = await control.owner()
    with pytest.raises(IntegrityError) as error:
        async with control.sessions.begin() as db:
            values = {"id": owner.org_id, "name": "ada@example.com", "created_at": NOON}
            await db.execute(insert(Organisation).values(values))
    assert "INSERT INTO organisations" in str(error.value)
    assert "ada@example.com" not in str(error.value)
