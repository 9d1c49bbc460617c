"""Two organisations, every route: what one owns doesn't exist for the other."""

from typing import Any

import httpx2
import pytest

from control_plane import ControlPlane, Tenancy
from mcp_obs_server.store import TelemetryStore
from otlp_exports import batch, export
from routes import Route, api_routes

OPEN_TO_STRANGERS = "/api/sign-in"
OF_THE_CALLER = {
    Route("GET", "/api/me"),
    Route("POST", "/api/sign-out"),
    Route("POST", "/api/sign-in-links"),
    Route("GET", "/api/servers"),
    Route("POST", "/api/servers"),
    Route("GET", "/api/organisation/retention"),
    Route("PUT", "/api/organisation/retention"),
}
# What a route can't answer without.
QUERIES = {Route("GET", "/api/servers/{server_id}/metrics/series"): {"name": "mcp.errors"}}
BODIES: dict[Route, dict[str, Any]] = {
    Route("POST", "/api/servers"): {"name": "weather"},
    Route("POST", "/api/servers/{server_id}/keys"): {"environment": "live"},
    Route("PUT", "/api/organisation/retention"): {"days": 7},
    Route("POST", "/api/servers/{server_id}/deletions"): {"user_id": "ada"},
}
TRACE = export(1)
TRACE_ID = TRACE.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
OF_THE_OPERATOR = {
    Route("POST", "/api/backups"),
    Route("GET", "/api/processes"),
    Route("DELETE", "/api/processes/{process_id}"),
}
OF_A_DELETION = Route("GET", "/api/deletions/{deletion_id}")
OF_A_KEY = Route("GET", "/api/received/{trace_id}")
OF_A_SERVER = [route for route in api_routes() if "{server_id}" in route.path]


async def call(control: ControlPlane, caller: Tenancy, route: Route, of: Tenancy) -> httpx2.Response:
    path = route.path.format(
        server_id=of.scope.server_id, key_id=of.key_id, trace_id=TRACE_ID, process_id="1"
    )
    async with control.client(caller.token) as client:
        return await client.request(route.method, path, json=BODIES.get(route), params=QUERIES.get(route))


def test_every_route_is_in_this_matrix() -> None:
    routes = {route for route in api_routes() if route.path != OPEN_TO_STRANGERS}
    assert routes == {*OF_THE_CALLER, *OF_A_SERVER, OF_A_DELETION, *OF_THE_OPERATOR, OF_A_KEY}


@pytest.mark.parametrize("route", OF_A_SERVER, ids=str)
async def test_another_organisation_s_server_is_like_one_that_was_never_there(
    control: ControlPlane, store: TelemetryStore, org_id: int, route: Route
) -> None:
    # What another case deletes of its server must not be gone here.
    await control.number_organisations(org_id * 1000)
    ours, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    for scope in (ours.scope, theirs.scope):
        token = f"isolation {scope.org_id} {scope.server_id}"
        store.insert("traces", batch(scope.org_id, TRACE, server_id=scope.server_id), token)
    assert (await call(control, ours, route, of=ours)).is_success
    refused = await call(control, ours, route, of=theirs)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    async with control.client(ours.token) as client:
        path = route.path.format(server_id=999, key_id=theirs.key_id, trace_id=TRACE_ID)
        absent = await client.request(route.method, path, json=BODIES.get(route), params=QUERIES.get(route))
    assert absent.json() == {
        **refused.json(),
        "message": refused.json()["message"].replace(str(theirs.scope.server_id), "999"),
    }


async def test_another_organisation_s_deletion_is_like_one_that_was_never_there(
    control: ControlPlane,
) -> None:
    ours, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    async with control.client(theirs.token) as client:
        deletion = (await client.delete(f"/api/servers/{theirs.scope.server_id}")).json()
        assert (await client.get(f"/api/deletions/{deletion['id']}")).is_success
    async with control.client(ours.token) as client:
        refused = await client.get(f"/api/deletions/{deletion['id']}")
        absent = await client.get("/api/deletions/999")
    assert (refused.status_code, absent.status_code) == (404, 404)
    assert refused.json()["message"].replace(str(deletion["id"]), "999") == absent.json()["message"]


@pytest.mark.parametrize("route", sorted(OF_THE_OPERATOR, key=str), ids=str)
async def test_what_is_everybody_s_is_not_for_another_organisation_s_owner(
    control: ControlPlane, route: Route
) -> None:
    _, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    refused = await call(control, theirs, route, of=theirs)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_key_is_not_reached_through_the_caller_s_own_server(control: ControlPlane) -> None:
    ours, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    async with control.client(ours.token) as client:
        path = f"/api/servers/{ours.scope.server_id}/keys/{theirs.key_id}"
        assert (await client.delete(path)).status_code == 404
    assert await control.verifier.verify(theirs.key)


@pytest.mark.parametrize("route", sorted(OF_THE_CALLER, key=str), ids=str)
async def test_the_caller_s_own_routes_show_nothing_of_another_organisation(
    control: ControlPlane, route: Route
) -> None:
    ours, _ = await control.tenancy("acme"), await control.tenancy("globex")
    response = await call(control, ours, route, of=ours)
    assert response.is_success
    assert "globex" not in response.text.lower()


async def test_a_retention_is_the_caller_s_own_organisation_s(control: ControlPlane) -> None:
    ours, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    async with control.client(ours.token) as client:
        await client.put("/api/organisation/retention", json={"days": 7})
    assert (await control.accounts.retention(theirs.principal)).days == 30


async def test_a_key_brings_telemetry_for_its_own_server_only(control: ControlPlane) -> None:
    for name in ("acme", "globex"):
        tenancy = await control.tenancy(name)
        tenant = await control.verifier.verify(tenancy.key)
        assert tenant is not None
        assert (tenant.org_id, tenant.server_id, tenant.key_id) == (
            tenancy.principal.org_id,
            tenancy.scope.server_id,
            tenancy.key_id,
        )


async def test_a_key_asks_after_its_own_server_s_traces_only_and_reads_nothing_of_them(
    control: ControlPlane, store: TelemetryStore, org_id: int
) -> None:
    await control.number_organisations(org_id * 1000)
    ours, theirs = await control.tenancy("acme"), await control.tenancy("globex")
    scope = ours.scope
    store.insert("traces", batch(scope.org_id, TRACE, server_id=scope.server_id), f"received {scope.org_id}")
    path = OF_A_KEY.path.format(trace_id=TRACE_ID.upper())
    for tenancy, spans in ((ours, 1), (theirs, 0)):
        async with control.client(tenancy.key) as sender:
            assert (await sender.get(path)).json() == {"trace_id": TRACE_ID, "spans": spans}
    async with control.client(ours.token) as client:
        refused = await client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    await control.servers.revoke_key(scope, ours.key_id)
    async with control.client(ours.key) as sender:
        assert (await sender.get(path)).status_code == 401
