"""A request below a message that is not Starlette's, or says less of itself than ASGI's do."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from dirty_equals import IsPartialDict
from sdk_kit.recording import Recording, Way
from starlette.requests import Request

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
def test_a_peer_that_is_told_as_a_list_is_one_all_the_same(recording: Recording):
    below = SimpleNamespace(scope={"type": "http", "client": ["10.0.0.1", 5000]})
    for number in (1, 2):  # the second fills in the template of the first
        operation = begin(partial(Message, "ping", None, number, None, None, below))
        assert operation is not None
        operation.answer({})
    said = [dict(span.attributes or {}) for span in recording.log.spans]
    assert said == [IsPartialDict({"client.address": "10.0.0.1", "client.port": 5000})] * 2


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


class Contended(Message):
    """One whose request another thread lets go of, right before or right after it is looked at."""

    is_looked_at_first = False
    is_contended = False

    @property
    def request(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        found = self._request()
        if self.is_contended:
            self.is_contended = False
            self.let_request_go()
        return found if self.is_looked_at_first else self._request()

    @request.setter
    def request(self, request: Any) -> None:
        Message.request.__set__(self, request)

    def _request(self) -> Any:
        return Message.request.__get__(self)


@pytest.mark.parametrize("is_looked_at_first", [True, False])
def test_a_request_that_another_thread_lets_go_of_has_its_origin_all_the_same(is_looked_at_first: bool):
    request = Request({"type": "http", "http_version": "1.1", "headers": [], "client": ("127.0.0.1", 5)})
    message = Contended("ping", None, 1, None, None, request)
    message.is_looked_at_first, message.is_contended = is_looked_at_first, True
    assert message.origin is not None
    assert message.origin.peer == ("127.0.0.1", 5)
