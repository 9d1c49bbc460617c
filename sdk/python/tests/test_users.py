"""Who calls: by the access token, by the host, or by a function of the host's."""

import asyncio
import logging
import sys
from copy import deepcopy
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from sdk_kit.lines import Answer, Line, installed_lines
from sdk_kit.recording import Recording, Way
from sdk_kit.serving import serving
from starlette.requests import Request

import mcp_obs
from mcp_obs._details import Details
from mcp_obs._message import Client, Message
from mcp_obs._operation import begin
from mcp_obs._users import Identify, UserSettings, hashed, resolve_users
from mcp_obs.fastapi import UserMiddleware

KEY = "a key that nobody guesses"


def token_request(**token: Any) -> Any:
    """A Starlette request with a checked access token."""
    known: dict[str, Any] = {"client_id": "app", "scopes": (), "subject": None, "claims": None} | token
    user = SimpleNamespace(access_token=SimpleNamespace(**known), is_authenticated=True)
    return Request({"type": "http", "headers": [(b"x-user", b"grace")], "user": user})


def user_of(way: Way, settings: UserSettings, request: Any = None) -> dict[str, Any]:
    """The attributes of one operation that say who it is of."""
    with Recording(way, Details(users=settings)) as recording:
        client = Client("ide", None)
        operation = begin(partial(Message, "tools/call", {"name": "t"}, 1, None, client, request))
        assert operation is not None
        operation.answer({})
        (span,) = recording.log.spans
    return _of_user(span)


def _of_user(span: ReadableSpan) -> dict[str, Any]:
    return {name: value for name, value in (span.attributes or {}).items() if name.startswith("enduser")}


@pytest.mark.parametrize(
    ("token", "claim", "user"),
    [
        ({"subject": "ada"}, None, "ada"),
        ({"claims": {"sub": "ada"}}, None, "ada"),
        ({}, None, "app"),
        ({"subject": "ada", "claims": {"email": "ada@example.com"}}, "email", "ada@example.com"),
        ({"claims": {"uid": 7}}, "uid", "7"),
        ({"subject": "ada"}, "email", None),
        ({"claims": {"email": ["a", "b"]}}, "email", None),
    ],
)
def test_the_claim_that_is_configured_says_who_it_is(
    token: dict[str, Any], claim: str, user: str | None, way: Way
):
    expected = {} if user is None else {"enduser.id": user}
    assert user_of(way, UserSettings(claim), token_request(**token)) == expected


@pytest.mark.behaviour("user.hashed")
def test_ids_are_hashed_with_the_key_and_nothing_else_is_sent(way: Way):
    sent = user_of(way, UserSettings(id_key=KEY), token_request(subject="ada", scopes=["read"]))
    assert sent == {"enduser.pseudo.id": hashed(KEY.encode(), "ada"), "enduser.scope": "read"}
    assert sent["enduser.pseudo.id"] == "d2939c6170c04dd0a8e7f769dfb4a516"
    assert hashed(b"another key", "ada") != sent["enduser.pseudo.id"]


def test_a_key_that_can_be_guessed_and_a_hook_that_waits_are_refused():
    async def identify(caller: mcp_obs.Caller) -> str:
        return "ada"

    with pytest.raises(ValueError, match="at least 16"):
        resolve_users({}, id_key="short")
    with pytest.raises(ValueError, match="can't be async"):
        resolve_users({}, identify=identify)


def test_arguments_come_before_variables_and_no_key_is_shown():
    environ = {"MCP_OBS_USER_CLAIM": "email", "MCP_OBS_USER_ID_KEY": KEY}
    assert resolve_users(environ) == UserSettings("email", KEY)
    assert resolve_users(environ, "uid", "x" * 16) == UserSettings("uid", "x" * 16)
    assert resolve_users({}) == UserSettings()
    assert KEY not in repr(resolve_users(environ))


def test_the_host_s_function_sees_the_call_and_decides(way: Way):
    seen: list[mcp_obs.Caller] = []

    def identify(caller: mcp_obs.Caller) -> str | None:
        seen.append(caller)
        return caller.headers.get("x-user")

    assert user_of(way, UserSettings(identify=identify), token_request(subject="ada")) == {
        "enduser.id": "grace"
    }
    assert user_of(way, UserSettings(identify=identify)) == {}
    assert [(caller.method, caller.tool, caller.client_name) for caller in seen] == [
        ("tools/call", "t", "ide")
    ] * 2


def _raises(caller: mcp_obs.Caller) -> str:
    raise RuntimeError("ada@example.com is not known")


async def _waits(caller: mcp_obs.Caller) -> str:
    return "ada"


def _gives_an_object(caller: mcp_obs.Caller) -> object:
    return {"id": "ada"}


def _exits(caller: mcp_obs.Caller) -> str:
    sys.exit("ada@example.com is not known")


def _is_cancelled(caller: mcp_obs.Caller) -> str:
    raise asyncio.CancelledError("ada@example.com")


def _is_interrupted(caller: mcp_obs.Caller) -> str:
    raise KeyboardInterrupt


@pytest.mark.parametrize("identify", [_raises, _waits, _gives_an_object, _exits, _is_cancelled])
def test_a_function_that_fails_names_nobody_and_is_told_once(
    identify: Identify, way: Way, caplog: pytest.LogCaptureFixture
):
    with (
        caplog.at_level(logging.WARNING, "mcp_obs"),
        Recording(way, Details(users=UserSettings(identify=identify))) as it,
    ):
        for _ in range(2):
            operation = begin(partial(Message, "ping", None, 1, None, None, token_request(subject="ada")))
            assert operation is not None
            operation.answer({})
        assert [_of_user(span) for span in it.log.spans] == [{}, {}]
    (told,) = [record.getMessage() for record in caplog.records]
    assert "no user is recorded" in told
    assert "ada" not in told


def test_who_interrupts_the_process_interrupts_a_function_too(way: Way):
    with pytest.raises(KeyboardInterrupt):
        user_of(way, UserSettings(identify=_is_interrupted))


def test_a_function_that_changes_what_it_is_told_changes_no_request(way: Way):
    meta: dict[str, Any] = {"a": {"b": [{"c": 1}]}, "d": "e"}
    params = {"name": "t", "_meta": meta}
    before = deepcopy(params)

    def identify(caller: mcp_obs.Caller) -> str:
        told: Any = caller.meta
        assert told == before["_meta"]
        told["a"]["b"][0].clear()
        told["a"]["b"].append(2)
        told["a"]["f"] = 1
        told.clear()
        return "ada"

    with Recording(way, Details(users=UserSettings(identify=identify))) as recording:
        operation = begin(partial(Message, "tools/call", params, 1, None, None, None))
        assert operation is not None
        operation.answer({})
        (span,) = recording.log.spans
    assert _of_user(span) == {"enduser.id": "ada"}
    assert params == before


def test_a_client_whose_meta_is_deep_is_still_named(way: Way, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MCP_OBS_STRICT")  # it can't be measured
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"in": [deep]}
    with Recording(
        way, Details(users=UserSettings(identify=lambda caller: caller.meta["user"]))
    ) as recording:
        params = {"name": "t", "_meta": {"deep": deep, "user": "ada"}}
        operation = begin(partial(Message, "tools/call", params, 1, None, None, None))
        assert operation is not None
        operation.cancel()
        (span,) = recording.log.spans
    assert _of_user(span) == {"enduser.id": "ada"}


lines = pytest.mark.parametrize("line", installed_lines().values(), ids=str)


@pytest.mark.behaviour("user.identify")
@pytest.mark.anyio
@lines
async def test_a_function_that_exits_ends_no_server(line: Line, way: Way):
    with Recording(way, Details(users=UserSettings(identify=_exits))) as recording:
        with serving(line.app(mcp_obs.instrument(line.build()))) as url:
            async with line.over_http(url, None) as peer:
                for _ in range(2):
                    assert await peer.call("add", a=1, b=2) == Answer("3")
        assert recording.names.count("tools/call add") == 2


def _by_header(caller: mcp_obs.Caller) -> str:
    return f"the owner of {caller.headers['authorization']}"


def _by_meta(caller: mcp_obs.Caller) -> object:
    return caller.meta.get("example.com/user")


async def called_by_ada(line: Line, way: Way, settings: UserSettings) -> dict[str, Any]:
    """Who makes a call with ada's access token."""
    with Recording(way, Details(users=settings)) as recording:
        with serving(line.app(mcp_obs.instrument(line.build(auth=True)))) as url:
            async with line.over_http(url, "ada") as peer:
                await peer.call("greet", name="Ada")
        (span,) = [span for span in recording.log.spans if span.name == "tools/call greet"]
    return _of_user(span)


@pytest.mark.anyio
@lines
async def test_a_call_of_a_real_client_is_that_of_the_hashed_user_of_its_token(line: Line, way: Way):
    assert await called_by_ada(line, way, UserSettings(id_key=KEY)) == {
        "enduser.pseudo.id": hashed(KEY.encode(), line.user),
        "enduser.scope": "read write",
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "user"),
    [
        pytest.param(
            UserSettings("email"),
            "ada@example.com",
            id="claim",
            marks=pytest.mark.behaviour("user.claim"),
        ),
        pytest.param(
            UserSettings("email", identify=_by_header),
            "the owner of Bearer ada",
            id="identify",
            marks=pytest.mark.behaviour("user.identify"),
        ),
    ],
)
@lines
async def test_a_call_with_a_token_is_that_of_the_user_whom_the_settings_name(
    line: Line, settings: UserSettings, user: str, way: Way
):
    assert await called_by_ada(line, way, settings) == {"enduser.id": user, "enduser.scope": "read write"}


@pytest.mark.behaviour("user.identify")
@pytest.mark.anyio
@lines
async def test_the_host_s_function_names_the_user_of_every_call_by_what_the_call_says(line: Line, way: Way):
    with Recording(way, Details(users=UserSettings(identify=_by_meta))) as recording:
        async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
            for user in ("ada", "grace"):
                await peer.call("greet", meta={"example.com/user": user}, name="Ada")
            await peer.call("greet", name="Ada")
        calls = [_of_user(span) for span in recording.log.spans if span.name == "tools/call greet"]
    assert calls == [{"enduser.id": "ada"}, {"enduser.id": "grace"}, {}]


@pytest.mark.behaviour("user.host-application")
@pytest.mark.anyio
@lines
async def test_a_call_through_a_fastapi_application_is_that_of_its_own_user(line: Line, way: Way):
    with Recording(way) as recording:
        endpoint = line.app(mcp_obs.instrument(line.build()))
        with serving(_host(endpoint)) as url:
            async with line.over_http(url, "ada") as peer:
                await peer.call("greet", name="Ada")
        attributes = recording.picture("tools/call greet")["attributes"]
    assert attributes["enduser.id"] == "user of ada"


def _host(endpoint: Any) -> FastAPI:
    """An application that signs users in itself, and has an MCP endpoint in it."""
    host = FastAPI(lifespan=endpoint.router.lifespan_context)
    host.add_middleware(UserMiddleware, user=_signed_in)

    @host.middleware("http")
    async def sign_in(request: Request, call_next: Any) -> Any:
        request.state.user_id = f"user of {request.headers['authorization'].removeprefix('Bearer ')}"
        return await call_next(request)

    host.mount("/", endpoint)
    return host


def _signed_in(request: Request) -> str:
    return request.state.user_id
