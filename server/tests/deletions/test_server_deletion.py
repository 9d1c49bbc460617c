"""A deleted server is gone at once, and what it sent leaves every table."""

import asyncio
from typing import Literal

import pytest
from dirty_equals import IsPositiveInt
from sqlalchemy import update

from control_plane import Tenancy, Time
from deployment import Deployment, Folder
from mcp_obs_server.accounts.models import Membership
from mcp_obs_server.deletions.models import Deletion
from mcp_obs_server.ingest.committer import Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.errors import UnauthenticatedExport


async def test_everything_that_a_server_sent_leaves_and_the_others_stay(deployment: Deployment) -> None:
    ours, theirs = await deployment.control.tenancy("acme"), await deployment.control.tenancy("globex")
    await deployment.send(ours, 5)
    await deployment.send(theirs, 4)
    async with deployment.control.client(ours.token) as client:
        response = await client.delete(f"/api/servers/{ours.scope.server_id}")
    assert (response.status_code, response.json()) == (
        202,
        {
            "id": 1,
            "server_id": ours.scope.server_id,
            "server_name": "acme server",
            "subject": "server",
            "user_id": None,
            "requested_at": "2026-03-01T12:00:00Z",
            "finished_at": None,
            "rows_removed": None,
            "waits_for": [],
        },
    )
    assert await deployment.finished(ours, 1) == {
        **response.json(),
        "finished_at": "2026-03-01T12:00:00Z",
        "rows_removed": IsPositiveInt,
    }
    assert await deployment.calls(ours) == (0, 0, 0)
    assert await deployment.calls(theirs) == (4, 4, 4)


async def test_the_server_and_its_keys_are_gone_at_once_and_its_name_is_free(
    folder: Folder,
) -> None:
    async with folder.open(engine_away=True) as deployment:
        ours = await deployment.control.tenancy("acme")
        assert await deployment.control.verifier.verify(ours.key)
        await deployment.send(ours)
        async with deployment.control.client(ours.token) as client:
            deletion = (await client.delete(f"/api/servers/{ours.scope.server_id}")).json()
            assert await deployment.control.verifier.verify(ours.key) is None
            assert (await client.get("/api/servers")).json() == []
            assert (await client.get(f"/api/servers/{ours.scope.server_id}/keys")).status_code == 404
            assert (await client.delete(f"/api/servers/{ours.scope.server_id}")).status_code == 404
            again = (await client.post("/api/servers", json={"name": "acme server"})).json()
            assert again["id"] > ours.scope.server_id
            pending = (await client.get(f"/api/deletions/{deletion['id']}")).json()
            assert pending["finished_at"] is None
        # A use that was noted before must not hold up the writing of all others.
        await deployment.control.last_used.flush()


async def test_a_sender_whose_key_was_checked_before_brings_nothing_any_more(deployment: Deployment) -> None:
    ours = await deployment.control.tenancy("acme")
    async with deployment.control.client(ours.token) as client:
        await client.delete(f"/api/servers/{ours.scope.server_id}")
    with pytest.raises(UnauthenticatedExport, match="deleted"):
        await deployment.send(ours)
    await deployment.finished(ours, 1)
    assert await deployment.calls(ours) == (0, 0, 0)


async def test_what_waits_in_the_spool_while_the_engine_is_away_does_not_come_back(folder: Folder) -> None:
    async with folder.open(engine_away=True) as deployment:
        ours = await deployment.control.tenancy("acme")
        await deployment.send(ours)
        await asyncio.to_thread(deployment.store.asked.wait, 10)
        async with deployment.control.client(ours.token) as client:
            await client.delete(f"/api/servers/{ours.scope.server_id}")
        deployment.store.refuses.clear()
        assert (await deployment.finished(ours, 1))["rows_removed"] > 0
        assert await deployment.calls(ours) == (0, 0, 0)


async def test_a_deletion_that_a_stop_cut_short_is_finished_after_the_next_start(folder: Folder) -> None:
    async with folder.open(engine_away=True) as deployment:
        ours = await deployment.control.tenancy("acme")
        await deployment.send(ours)
        await asyncio.to_thread(deployment.store.asked.wait, 10)
        async with deployment.control.client(ours.token) as client:
            await client.delete(f"/api/servers/{ours.scope.server_id}")
    async with folder.open() as deployment:
        with pytest.raises(UnauthenticatedExport):
            await deployment.send(ours, seed=2)
        assert (await deployment.finished(ours, 1))["rows_removed"] > 0
        assert await deployment.calls(ours) == (0, 0, 0)


async def test_exports_set_aside_as_unreadable_leave_with_their_server(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = await deployment.control.tenancy("acme"), await deployment.control.tenancy("globex")
    for tenancy in (ours, theirs):
        body = b"\x0a\x02\x12\x07" + b"no span"
        org_id, server_id = tenancy.scope.org_id, tenancy.scope.server_id
        await deployment.committer.commit(Export(org_id, server_id, body, digest(org_id, server_id, body)))
    await deployment.committer.drain()
    assert len(deployment.set_aside()) == 2
    async with deployment.control.client(ours.token) as client:
        await client.delete(f"/api/servers/{ours.scope.server_id}")
    await deployment.finished(ours, 1)
    assert len(deployment.set_aside()) == 1
    assert "can't read an export" in caplog.text


def unfinished(tenancy: Tenancy, subject: Literal["server", "user"], server_id: int) -> Deletion:
    return Deletion(
        org_id=tenancy.scope.org_id,
        server_id=server_id,
        server_name="a server",
        subject=subject,
        user_id="ada" if subject == "user" else None,
        requested_at=Time().now,
    )


async def test_several_deletions_wait_once_for_what_the_spool_holds(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    drains = 0
    drain = deployment.committer.drain

    async def counted() -> None:
        nonlocal drains
        drains += 1
        await drain()

    monkeypatch.setattr(deployment.committer, "drain", counted)
    ours = await deployment.control.tenancy("acme")
    async with deployment.control.sessions.begin() as db:
        db.add_all([unfinished(ours, "server", 1_000 + number) for number in range(4)])
    async with deployment.control.client(ours.token) as client:
        deletion = (await client.delete(f"/api/servers/{ours.scope.server_id}")).json()
    await deployment.finished(ours, deletion["id"])
    # Twice when the worker's first look was between the two.
    assert drains in (1, 2)


async def test_a_server_with_too_many_unfinished_deletions_is_refused_another_and_others_are_not(
    folder: Folder,
) -> None:
    async with folder.open(engine_away=True) as deployment:
        ours, theirs = await deployment.control.tenancy("acme"), await deployment.control.tenancy("globex")
        await deployment.send(ours)
        async with deployment.control.sessions.begin() as db:
            db.add_all([unfinished(ours, "user", ours.scope.server_id) for _ in range(100)])
        async with deployment.control.client(ours.token) as client:
            path = f"/api/servers/{ours.scope.server_id}/deletions"
            refused = await client.post(path, json={"user_id": "grace"})
        assert (refused.status_code, refused.json()) == (
            409,
            {
                "code": "conflict",
                "message": "100 deletions of this server are not finished yet: ask again when one is.",
            },
        )
        async with deployment.control.client(theirs.token) as client:
            path = f"/api/servers/{theirs.scope.server_id}/deletions"
            assert (await client.post(path, json={"user_id": "grace"})).status_code == 202


async def test_a_member_who_is_no_owner_can_not_delete(deployment: Deployment) -> None:
    ours = await deployment.control.tenancy("acme")
    async with deployment.control.sessions.begin() as db:
        await db.execute(update(Membership).values(role="member"))
    async with deployment.control.client(ours.token) as client:
        refused = await client.delete(f"/api/servers/{ours.scope.server_id}")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert len((await client.get("/api/servers")).json()) == 1
