from collections import Counter

from inline_snapshot import snapshot

from mcp_obs_server.commands.demo.catalogue import CATALOGUE
from mcp_obs_server.commands.demo.traffic import check_plan


def test_the_check_makes_the_same_calls_each_time() -> None:
    assert check_plan() == check_plan()


def test_the_check_calls_every_server_often_enough() -> None:
    calls = Counter[str]()
    for visit in check_plan():
        calls[visit.server] += len(visit.calls)
    assert dict(calls) == snapshot({"weather": 128, "notes": 116, "shop": 128, "claude-code-mcp": 30})
    assert calls.total() >= 300


def test_the_check_asks_for_every_operation() -> None:
    asked = {(visit.server, call.method, call.target) for visit in check_plan() for call in visit.calls}
    assert asked == {
        (server, operation.method, operation.target)
        for server, operations in CATALOGUE.items()
        for operation in operations
    }


def test_the_check_connects_different_clients_of_both_eras() -> None:
    apps = {visit.person.app for visit in check_plan()}
    assert {app.era for app in apps} == {"legacy", "modern"}
    assert len(apps) >= 5
