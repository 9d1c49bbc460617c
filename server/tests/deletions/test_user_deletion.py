"""Nothing that names a deleted user is left in any table, and everybody else is as if it had never been there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dirty_equals import IsPositiveInt
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from deployment import Deployment, Folder
from mcp_obs_server.ingest.committer import Export
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.store import TelemetryStore, delete_user_rows
from mcp_obs_server.store.retention import TABLES
from mcp_obs_server.store.user_deletion import MAPS, MAPS_IN_ARRAYS, USER_ATTRIBUTES, StillPaused
from otlp_exports import NOW, SECOND, batch, counter, export, logs_export, metrics_export

ON_A_CLUSTER_TOO = pytest.mark.parametrize(
    "cluster", [None, "main"], ids=["server", "cluster"], indirect=True, scope="module"
)

ADA, GRACE = "ada@example.com", "grace@example.com"
DAY = 24 * 3600 * SECOND

COLUMNS = """
SELECT table, name, type FROM system.columns
WHERE database = currentDatabase() AND table IN {tables:Array(String)} AND type LIKE '%String%'
  AND NOT startsWith(type, 'AggregateFunction')
ORDER BY table, name
"""


WITH_ATTRIBUTES = r"match(type, 'Map\\((LowCardinality\\(String\\)|String), String\\)')"


@asynccontextmanager
async def paused() -> AsyncGenerator[StillPaused]:
    async def still_paused() -> None:
        pass

    yield still_paused


def named(attributes: Any, key: str, user: str) -> None:
    attributes.append(KeyValue(key=key, value=AnyValue(string_value=user)))


def traces(user: str, seed: int) -> list[Message]:
    """Calls on two days, and one export for each other place of a span that can name its user."""
    own = [
        export(
            3, seed, start=NOW - age, attributes={"enduser.id": user, "mcp_obs.session.id": f"session {seed}"}
        )
        for age in (600 * SECOND, 2 * DAY)
    ]
    elsewhere = [export(1, seed + number, start=NOW - 900 * SECOND) for number in range(1, 5)]
    spans = [each.resource_spans[0].scope_spans[0].spans[0] for each in elsewhere]
    named(spans[0].attributes, "user.email", user)
    named(elsewhere[1].resource_spans[0].resource.attributes, "user.id", user)
    named(
        spans[2].events.add(time_unix_nano=NOW - 900 * SECOND, name="signed in").attributes, "user.name", user
    )
    named(spans[3].links.add(trace_id=b"t" * 16, span_id=b"s" * 8).attributes, "enduser.id", user)
    return [*own, *elsewhere]


def metrics(user: str) -> list[Message]:
    """A series of the user's own, and an example of theirs in a series of everybody's."""
    times = {NOW - 600 * SECOND: 1, NOW - 2 * DAY: 2}
    with_example = counter({NOW - 700 * SECOND: 1}, name="calls")
    point = with_example.sum.data_points[0]
    named(
        point.exemplars.add(time_unix_nano=NOW - 700 * SECOND, as_int=1).filtered_attributes, "user.id", user
    )
    return [metrics_export(counter(times, name="cost", attributes={"user.id": user}), with_example)]


def logs(user: str) -> list[Message]:
    own, by_mail = logs_export(2, start=NOW - 600 * SECOND), logs_export(1, start=NOW - 700 * SECOND)
    for record in own.resource_logs[0].scope_logs[0].log_records:
        named(record.attributes, "user.id", user)
    named(by_mail.resource_logs[0].scope_logs[0].log_records[0].attributes, "user.email", user)
    return [own, by_mail]


def send(store: TelemetryStore, org_id: int, server_id: int, users: dict[str, int]) -> None:
    for user, seed in users.items():
        for signal, exports in (
            ("traces", traces(user, seed)),
            ("metrics", metrics(user)),
            ("logs", logs(user)),
        ):
            for number, each in enumerate(exports):
                token = f"{org_id} {server_id} {user} {signal} {number}"
                store.insert(signal, batch(org_id, each, server_id=server_id), token)
    if GRACE in users:
        store.insert(
            "traces", batch(org_id, export(2, 77), server_id=server_id), f"{org_id} {server_id} nobody"
        )


async def found(store: TelemetryStore, org_id: int, server_id: int, user: str) -> dict[str, int]:
    """In how many rows of each column the user's id stands, wherever it is."""
    columns = await store.rows(COLUMNS, {"tables": list(TABLES)})
    counts: dict[str, int] = {}
    for table, name in ((each["table"], each["name"]) for each in columns):
        sql = (
            f"SELECT count() AS rows FROM {table} WHERE org_id = {org_id} AND server_id = {server_id}"
            f" AND position(toString({name}), '{user}') > 0"
        )
        counts[f"{table}.{name}"] = (await store.rows(sql, {}))[0]["rows"]
    return {column: rows for column, rows in counts.items() if rows}


async def sums(store: TelemetryStore, org_id: int, server_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """What the charts of a server are made of."""
    of_server = f"WHERE org_id = {org_id} AND server_id = {server_id}"
    selected = {
        **dict.fromkeys(
            ("operations_15m", "operations_1h"),
            "grain, start, target, sum(calls), uniqCombinedMerge(12)(users), uniqCombinedMerge(12)(sessions),"
            " max(last_time), sumForEachMerge(timed_calls), sumForEachMerge(timed_ns)",
        ),
        "metrics_15m": "metric_name, start, series_id, sum(points), sum(total)",
        "metrics_1h": "metric_name, start, series_id, sum(points), sum(total)",
        "metric_series": "metric_name, start, series_id, any(attributes)",
    }
    rows = {
        table: await store.rows(
            f"SELECT {what} FROM {table} {of_server} GROUP BY {', '.join(what.split(', ')[:3])} ORDER BY ALL",
            {},
        )
        for table, what in selected.items()
    }
    for table in ("spans", "logs"):
        rows[table] = await store.rows(f"SELECT * EXCEPT (org_id, server_id) FROM {table} {of_server}", {})
    # Records of one time have no order of their own, and maps can't be ordered by the engine.
    return {table: sorted([tuple(row.values()) for row in each], key=repr) for table, each in rows.items()}


@ON_A_CLUSTER_TOO
async def test_a_user_leaves_every_table_and_the_others_are_as_if_never_with_it(
    store: TelemetryStore, org_id: int
) -> None:
    send(store, org_id, 1, {ADA: 100, GRACE: 200})
    send(store, org_id, 2, {ADA: 100, GRACE: 200})
    send(store, org_id, 3, {GRACE: 200})
    assert set(await found(store, org_id, 1, ADA)) == {
        "logs.attributes",
        "logs.user_id",
        "metric_points.attributes",
        "metric_points.exemplars",
        "metric_series.attributes",
        "spans.attributes",
        "spans.events",
        "spans.links",
        "spans.resource_attributes",
        "spans.user_id",
    }
    everything = await sums(store, org_id, 2)
    assert await delete_user_rows(store, org_id, 1, ADA, paused) == IsPositiveInt
    assert await found(store, org_id, 1, ADA) == {}
    without = await sums(store, org_id, 3)
    # A series of everybody's keeps its sums: no row of it is of one user.
    for table in ("metrics_15m", "metrics_1h"):
        ours = [row for row in (await sums(store, org_id, 1))[table] if row[0] != "calls"]
        assert ours == [row for row in without.pop(table) if row[0] != "calls"]
    left = await sums(store, org_id, 1)
    assert {table: left[table] for table in without} == without
    assert await sums(store, org_id, 2) == everything
    assert await delete_user_rows(store, org_id, 1, ADA, paused) == 0


async def test_every_column_with_attributes_is_looked_at(store: TelemetryStore) -> None:
    columns = await store.rows(f"SELECT * FROM ({COLUMNS}) WHERE {WITH_ATTRIBUTES}", {"tables": list(TABLES)})
    assert {f"{each['table']}.{each['name'].split('.')[0]}" for each in columns} == {
        f"{table}.{column.split('.')[0]}"
        for places in (MAPS, MAPS_IN_ARRAYS)
        for table, columns in places.items()
        for column in columns
    }
    assert "enduser.id" in USER_ATTRIBUTES


@ON_A_CLUSTER_TOO
async def test_hours_whose_spans_have_begun_to_expire_keep_their_sums(
    store: TelemetryStore, org_id: int
) -> None:
    send(store, org_id, 1, {ADA: 100, GRACE: 200})
    sql = f"SELECT sum(calls) AS calls FROM operations_1h WHERE org_id = {org_id}"
    before = await store.rows(sql, {})
    await store.command(
        f"ALTER TABLE {store.layout.stored('spans')} DELETE WHERE org_id = {org_id} AND user_id = {{user:String}}"
        " SETTINGS mutations_sync = 1",
        {"user": GRACE},
    )
    await delete_user_rows(store, org_id, 1, ADA, paused)
    assert await store.rows(sql, {}) == before
    assert await found(store, org_id, 1, ADA) == {}


@ON_A_CLUSTER_TOO
async def test_a_user_is_deleted_over_the_api_and_what_comes_later_is_kept(deployment: Deployment) -> None:
    ours = await deployment.control.tenancy("acme")
    await deployment.send(ours, 5, user=ADA)
    await deployment.send(ours, 4, seed=2, user=GRACE)
    path = f"/api/servers/{ours.scope.server_id}/deletions"
    async with deployment.control.client(ours.token) as client:
        response = await client.post(path, json={"user_id": ADA})
        assert (response.status_code, response.json()) == (
            202,
            {
                "id": 1,
                "server_id": ours.scope.server_id,
                "server_name": "acme server",
                "subject": "user",
                "user_id": ADA,
                "requested_at": "2026-03-01T12:00:00Z",
                "finished_at": None,
                "rows_removed": None,
                "waits_for": [],
            },
        )
        assert await deployment.finished(ours, 1) == {
            **response.json(),
            "user_id": None,
            "finished_at": "2026-03-01T12:00:00Z",
            "rows_removed": 5,
        }
        assert (await client.get(path)).json() == [await deployment.finished(ours, 1)]
    assert await deployment.calls(ours) == (4, 4, 4)
    await deployment.send(ours, 2, seed=3, user=ADA)
    await deployment.committer.drain()
    assert await deployment.calls(ours) == (6, 6, 6)


async def test_what_waits_in_the_spool_or_was_set_aside_leaves_too_also_after_a_restart(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    async with folder.open() as deployment:
        ours = await deployment.control.tenancy("acme")
        org_id, server_id = ours.scope.org_id, ours.scope.server_id
        for user in (ADA, GRACE):
            body = b"\x0a\x02\x12\x07" + user.encode()
            await deployment.committer.commit(
                Export(org_id, server_id, body, digest(org_id, server_id, body))
            )
        await deployment.committer.drain()
        assert len(deployment.set_aside()) == 2
    async with folder.open(engine_away=True) as deployment:
        await deployment.send(ours, 3, user=ADA)
        await deployment.send(ours, 4, seed=2, user=GRACE)
        async with deployment.control.client(ours.token) as client:
            await client.post(f"/api/servers/{server_id}/deletions", json={"user_id": ADA})
    async with folder.open() as deployment:
        assert (await deployment.finished(ours, 1))["rows_removed"] == 3
        assert await deployment.calls(ours) == (4, 4, 4)
        (kept,) = deployment.set_aside()
        assert GRACE.encode() in kept.read_bytes()
    assert "can't read an export" in caplog.text


@pytest.mark.parametrize("user_id", ["", "x" * 1025, None, 7])
async def test_what_is_no_user_s_id_is_refused(deployment: Deployment, user_id: object) -> None:
    ours = await deployment.control.tenancy("acme")
    async with deployment.control.client(ours.token) as client:
        path = f"/api/servers/{ours.scope.server_id}/deletions"
        assert (await client.post(path, json={"user_id": user_id})).status_code == 422
        assert (await client.get(path)).json() == []


@pytest.mark.parametrize("user_id", [r"a\u0000b", r"\ud800"])
async def test_an_id_that_a_database_can_t_keep_is_refused_in_words(
    deployment: Deployment, user_id: str
) -> None:
    ours = await deployment.control.tenancy("acme")
    async with deployment.control.client(ours.token, content_type="application/json") as client:
        path = f"/api/servers/{ours.scope.server_id}/deletions"
        answer = await client.post(path, content=f'{{"user_id": "{user_id}"}}')
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "user_id" in answer.json()["message"]
        assert (await client.get(path)).json() == []
