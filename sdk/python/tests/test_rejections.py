"""HTTP requests that are turned away before their message is handled, on every library."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
import requests
from sdk_kit.asking import telling_lines
from sdk_kit.findings import Findings
from sdk_kit.lines import MCP, Line, bearer, installed_lines
from sdk_kit.proofs import place_of, proven_on
from sdk_kit.recording import Recording
from sdk_kit.serving import serving

import mcp_obs
from mcp_obs._adapters import findings
from mcp_obs._rejections import reason_of


def on(lines: Iterable[Line]) -> pytest.MarkDecorator:
    """For each line; these tests reach it by requests of their own."""
    parameters = [pytest.param(line, id=str(line), marks=proven_on(line, "http")) for line in lines]
    return pytest.mark.parametrize("line", parameters)


INSTALLED = installed_lines().values()
LINES = on(INSTALLED)
BOTH = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


def rejections(recording: Recording) -> dict[tuple[Any, ...], Any]:
    """How often a reason was counted."""
    return {
        tuple(point.attributes[name] for name in sorted(point.attributes)): point.value
        for point in recording.points("mcp_obs.http.rejections")
    }


def spoken_on(line: Line) -> dict[str, str]:
    """The headers of a client that has negotiated."""
    return BOTH | {"MCP-Protocol-Version": line.protocol_version}


@pytest.mark.behaviour("rejection.counted")
@LINES
def test_requests_that_never_become_operations_are_counted_by_reason(line: Line, recording: Recording):
    headers = spoken_on(line)
    has_sessions = place_of(line)[1] == "legacy"
    # In the order of the attributes' names: method, status, reason.
    expected = {
        ("POST", 400, "parse_error"): 2,
        ("POST", 406, "not_acceptable"): 1,
        ("PUT", 405, "method_not_allowed"): 1,
    }
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        for _ in range(2):
            requests.post(f"{url}/mcp", "{", headers=headers, timeout=30)
        requests.post(f"{url}/mcp", PING, headers=headers | {"Accept": "text/plain"}, timeout=30)
        requests.put(f"{url}/mcp", PING, headers=headers, timeout=30)
        if has_sessions:
            unknown = headers | {"Mcp-Session-Id": "0" * 32}
            status = requests.post(f"{url}/mcp", PING, headers=unknown, timeout=30).status_code
            # Old versions call it a bad request.
            expected[("POST", status, {400: "bad_request", 404: "not_found"}[status])] = 1
        requests.get(f"{url}/favicon.ico", timeout=30)
    assert rejections(recording) == expected
    assert recording.names == []


@pytest.mark.behaviour("rejection.counted")
@LINES
def test_requests_without_a_valid_token_or_a_scope_are_counted(line: Line, recording: Recording):
    headers, statuses = spoken_on(line), list[int]()
    server = line.build(auth=True, required_scopes=["admin"])
    with serving(line.app(mcp_obs.instrument(server))) as url:
        for token in ({}, {"Authorization": "Basic YTpi"}, bearer("ada")):
            answer = requests.post(f"{url}/mcp", PING, headers=headers | token, timeout=30)
            statuses.append(answer.status_code)
    assert statuses == [401, 401, 403]
    assert rejections(recording) == {("POST", 401, "unauthorized"): 2, ("POST", 403, "forbidden"): 1}
    assert recording.names == []


@pytest.mark.behaviour("rejection.counted")
@LINES
@pytest.mark.anyio
async def test_what_is_handled_is_not_counted(line: Line, recording: Recording):
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        async with line.over_http(url, None) as peer:
            await peer.call("greet", name="Ada")
            await peer.call("no_such_tool")
            with pytest.raises(Exception, match=r"nknown|not found"):
                await peer.read("memo://nowhere")
    # A client of 2025 asks for a stream, which a server without sessions refuses.
    assert {key for key in rejections(recording) if key[0] == "POST"} == set()


# An older mcp has never heard of the revision that has these headers.
@pytest.mark.behaviour("rejection.counted")
@on(line for line in INSTALLED if MCP == 1 or place_of(line)[1] == "modern")
def test_headers_that_contradict_the_message_are_counted(line: Line, recording: Recording):
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = BOTH | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "add"}
    with serving(line.app(mcp_obs.instrument(line.build()))) as url:
        requests.post(f"{url}/mcp", json.dumps(message), headers=headers, timeout=30)
    reason = "header_mismatch" if MCP > 1 else "invalid_request"
    assert rejections(recording) == {("POST", 400, reason): 1}


@LINES
def test_every_application_of_a_library_is_watched_where_it_serves(line: Line, found: Findings):
    for make in (line.app, line.sse_app, line.stateless_app):
        make(mcp_obs.instrument(line.build()))
    assert findings.findings() == ()


def test_a_low_level_server_need_not_make_an_application(found: Findings):
    for line in telling_lines():
        if "low level" in line.name:
            mcp_obs.instrument(line.build())
    # 1.9 shows no exceptions of low-level tools.
    assert [one.hook for one in findings.findings() if one.hook != "Server._make_error_result"] == []


@pytest.mark.behaviour("instrument.missing-hook")
@pytest.mark.anyio
@LINES
async def test_a_server_that_makes_no_application_that_is_known_is_a_finding(
    line: Line, recording: Recording, found: Findings, monkeypatch: pytest.MonkeyPatch
):
    server: Any = line.build()
    maker = "http_app" if line.name.startswith("fastmcp") else "streamable_http_app"
    for kind in type(server).__mro__:
        if maker in vars(kind):
            monkeypatch.delattr(kind, maker)
    mcp_obs.instrument(server)
    assert [(one.hook, one.consequence) for one in findings.findings()] == [
        (
            f"{type(server).__name__}.{maker}",
            "requests that are turned away before their message is handled are not counted",
        )
    ]
    assert found.warnings == [str(one) for one in findings.findings()]
    async with line.in_memory(server) as peer:
        await peer.call("greet", name="Ada")
    assert "tools/call greet" in recording.names


def test_a_reason_is_the_code_s_or_the_status_s():
    for code, reason in {
        -32700: "parse_error",
        -32020: "header_mismatch",
        -32022: "unsupported_protocol_version",
    }.items():
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": ""}})
        assert reason_of(400, body.encode()) == reason
    for body in (b"", b"null", b"[]", b'{"error": []}', b'{"error": {"code": true}}', b"[" * 9999, b"\xff"):
        assert reason_of(400, body) == "bad_request"
    assert [reason_of(status, b"") for status in (401, 403, 421, 418, 503)] == [
        "unauthorized",
        "forbidden",
        "forbidden_host",
        "bad_request",
        "server_error",
    ]


Sent = list[dict[str, Any]]


def answering(*messages: dict[str, Any]) -> Callable[..., Awaitable[None]]:
    """An application that sends these."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


async def run(app: Any, scope: dict[str, Any]) -> Sent:
    """What an application sends."""
    sent: Sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await app(scope, receive, send)
    return sent


HTTP = {"type": "http", "method": "POST", "path": "/mcp", "root_path": ""}
REFUSED: tuple[dict[str, Any], ...] = (
    {"type": "http.response.start", "status": 403, "headers": []},
    {"type": "http.response.body", "body": b"no", "more_body": True},
    {"type": "http.response.body"},
)


@pytest.mark.anyio
async def test_everything_is_passed_on_as_it_is(recording: Recording):
    assert await run(mcp_obs.McpAsgiMiddleware(answering(*REFUSED)), dict(HTTP)) == list(REFUSED)
    for kind in ("lifespan", "websocket"):
        message = {"type": f"{kind}.anything"}
        assert await run(mcp_obs.McpAsgiMiddleware(answering(message)), {"type": kind}) == [message]
    assert rejections(recording) == {("POST", 403, "forbidden"): 1}


@pytest.mark.anyio
async def test_an_exception_is_the_application_s_own(recording: Recording):
    error = OSError("the disk is full")

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(OSError, match="full") as caught:
        await run(mcp_obs.McpAsgiMiddleware(failing), dict(HTTP))
    assert caught.value is error


@pytest.mark.anyio
async def test_a_request_is_counted_by_the_outermost_only(recording: Recording):
    app = mcp_obs.McpAsgiMiddleware(mcp_obs.McpAsgiMiddleware(answering(*REFUSED)))
    await run(app, dict(HTTP))
    assert rejections(recording) == {("POST", 403, "forbidden"): 1}


@pytest.mark.anyio
async def test_only_the_paths_of_mcp_are_watched_wherever_it_is_mounted(recording: Recording):
    app = mcp_obs.McpAsgiMiddleware(answering(*REFUSED), paths=["/mcp", "/messages/"])
    for path, root in (
        ("/mcp", ""),
        ("/mcp/", ""),
        ("/messages/1", ""),
        ("/v1/mcp", "/v1"),
        ("/v1/mcp", ""),
        ("/mcpx", ""),
        ("/", ""),
    ):
        await run(app, HTTP | {"path": path, "root_path": root})
    assert rejections(recording) == {("POST", 403, "forbidden"): 4}


@pytest.mark.anyio
async def test_a_method_that_nobody_knows_makes_no_series(recording: Recording):
    await run(mcp_obs.McpAsgiMiddleware(answering(*REFUSED)), HTTP | {"method": "BREW"})
    assert rejections(recording) == {("_OTHER", 403, "forbidden"): 1}
