"""A request below a message that is not Starlette's, or says less of itself than ASGI's do."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from dirty_equals import IsPartialDict
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs._adapters.mcp_v1 import Connection
from mcp_obs._details import Details
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._users import UserSettings

undescribable = pytest.mark.behaviour("host.undescribable-message")
below = pytest.mark.parametrize(
    "below",
    [SimpleNamespace(), SimpleNamespace(scope=None), SimpleNamespace(scope={"type": "http"})],
    ids=["no scope", "an empty scope", "a scope without headers"],
)


@undescribable
@below
def test_an_operation_is_recorded_without_what_its_request_does_not_say(below: Any, recording: Recording):
    operation = begin(partial(Message, "tools/call", {"name": "add"}, 1, "2025-11-25", None, below))
    assert operation is not None
    operation.answer({})
    attributes = recording.picture("tools/call add")["attributes"]
    assert attributes == IsPartialDict({"network.transport": "tcp", "mcp_obs.session.source": "inferred"})
    assert {"client.address", "mcp.session.id", "network.protocol.version"}.isdisjoint(attributes)


@undescribable
@below
def test_a_hook_of_the_host_s_is_told_of_no_headers(below: Any, way: Way):
    told: list[dict[str, str]] = []

    def identify(caller: mcp_obs.Caller) -> str:
        told.append(dict(caller.headers))
        return "ada"

    with Recording(way, Details(users=UserSettings(identify=identify))) as recording:
        operation = begin(partial(Message, "ping", None, 1, None, None, below))
        assert operation is not None
        operation.answer({})
        assert recording.picture("ping")["attributes"] == IsPartialDict({"enduser.id": "ada"})
    assert told == [{}]


@undescribable
@below
def test_an_operation_of_mcp_1_is_recorded_all_the_same(below: Any, recording: Recording):
    connection = Connection()
    asked = SimpleNamespace(root=SimpleNamespace(method="ping", params=None, id=1))
    connection.received(SimpleNamespace(message=asked, metadata=SimpleNamespace(request_context=below)))
    connection.sent(SimpleNamespace(id=1, result={}))
    assert recording.names == ["ping"]
