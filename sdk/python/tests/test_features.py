"""What features around a server record: spans, counts, errors and the user, on every way of recording."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from sdk_kit.collector import collecting
from sdk_kit.lines import Line, installed_lines
from sdk_kit.recording import Recording, Way

import mcp_obs
from mcp_obs import _telemetry
from mcp_obs._details import Details
from mcp_obs._exit import at_exit
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._users import UserSettings, hashed


class Token:
    """An access token of mcp."""

    client_id = "app"
    scopes = ("read", "write")
    subject = "ada"
    token = "SECRET"


class TokenOfMail(Token):
    """One with the claims that its issuer puts in."""

    claims: Mapping[str, str] = MappingProxyType({"email": "ada@example.com"})


class Provider:
    """A provider with the methods of mcp's and fastmcp's."""

    async def verify_token(self, token: str) -> Token | None:
        return Token() if token == "good" else None

    async def exchange_authorization_code(self, client: str, authorization_code: str) -> str:
        if authorization_code == "bad":
            raise ValueError("invalid_grant")
        return "tokens"

    async def exchange_refresh_token(self, client: str, refresh_token: str, scopes: list[str]) -> str:
        return "tokens"


class Grant:
    """An authorization code or a refresh token of mcp."""

    client_id = "app"
    scopes = ("read",)
    code = token = "SECRET"

    def __init__(self, subject: str | None) -> None:
        self.subject = subject


class ProviderOfMails(Provider):
    """A provider whose tokens have an address in them."""

    async def verify_token(self, token: str) -> Token | None:
        return TokenOfMail()


@pytest.mark.behaviour("configuration.adapters")
@pytest.mark.anyio
async def test_the_steps_of_an_oauth_provider_are_recorded_without_its_tokens(recording: Recording):
    provider = Provider()
    oauth = mcp_obs.create_oauth_adapter(provider, telemetry=mcp_obs.create_telemetry_adapter())
    assert oauth.observe(provider) is provider  # again
    assert isinstance(await provider.verify_token("good"), Token)
    assert await provider.verify_token("stolen") is None
    assert await provider.exchange_refresh_token("app", "SECRET", []) == "tokens"
    with pytest.raises(ValueError, match="invalid_grant"):
        await provider.exchange_authorization_code("app", "bad")
    known, refused, refreshed, failed = recording.log.spans
    assert [span.name for span in recording.log.spans] == [
        "oauth.introspection",
        "oauth.introspection",
        "oauth.token_refresh",
        "oauth.sign_in",
    ]
    assert dict(known.attributes or {}) == {
        "mcp_obs.feature.name": "oauth",
        "mcp_obs.feature.step": "introspection",
        "enduser.id": "ada",
        "enduser.scope": "read write",
    }
    assert [
        (span.status.status_code.name, span.status.description, (span.attributes or {}).get("error.type"))
        for span in (refused, refreshed, failed)
    ] == [
        ("ERROR", None, "invalid_token"),
        ("UNSET", None, None),
        ("ERROR", "invalid_grant", "ValueError"),
    ]
    assert [dict(event.attributes or {}) for event in failed.events] == [
        {"exception.type": "ValueError", "exception.message": "invalid_grant"}
    ]
    assert "SECRET" not in str([span.to_json() for span in recording.log.spans])


@pytest.mark.anyio
@pytest.mark.behaviour("configuration.adapters")
@pytest.mark.parametrize(
    ("claim", "subject", "user"),
    [(None, "ada", "ada"), ("sub", "ada", "ada"), ("email", "ada", None), (None, None, None)],
)
async def test_a_sign_in_and_a_refresh_are_for_whom_the_code_and_the_token_name(
    claim: str | None, subject: str | None, user: str | None, way: Way
):
    grant: Any = Grant(subject)
    with Recording(way, Details(users=UserSettings(claim))) as recording:
        provider: Any = mcp_obs.create_oauth_adapter().observe(Provider())
        await provider.exchange_authorization_code("app", grant)
        await provider.exchange_authorization_code("app", authorization_code=grant)
        await provider.exchange_refresh_token("app", grant, ["read"])
        await provider.exchange_refresh_token("app", refresh_token=grant, scopes=[])
        spans = recording.log.spans
    assert [(span.attributes or {}).get("enduser.id") for span in spans] == [user] * 4
    assert "SECRET" not in str([span.to_json() for span in spans])


@pytest.mark.anyio
@pytest.mark.behaviour("configuration.adapters")
async def test_where_a_function_says_who_calls_no_step_of_a_provider_does(way: Way):
    grant: Any = Grant("ada")
    with Recording(way, Details(users=UserSettings(identify=lambda _: None))) as recording:
        provider: Any = mcp_obs.create_oauth_adapter().observe(Provider())
        await provider.exchange_authorization_code("app", grant)
        await provider.exchange_refresh_token("app", grant, ["read"])
        await provider.verify_token("good")
        spans = recording.log.spans
    assert [span.name for span in spans] == ["oauth.sign_in", "oauth.token_refresh", "oauth.introspection"]
    assert not any("enduser" in name for span in spans for name in span.attributes or {})


@pytest.mark.anyio
@pytest.mark.behaviour("configuration.adapters")
async def test_a_sign_in_that_fails_tells_for_whom_it_was(recording: Recording):
    class Refusing(Provider):
        async def exchange_authorization_code(self, client: str, authorization_code: Any) -> str:
            raise ValueError("invalid_grant")

    provider = mcp_obs.create_oauth_adapter().observe(Refusing())
    with pytest.raises(ValueError, match="invalid_grant"):
        await provider.exchange_authorization_code("app", Grant("ada"))
    (failed,) = recording.log.spans
    assert dict(failed.attributes or {})["enduser.id"] == "ada"
    assert dict(failed.attributes or {})["error.type"] == "ValueError"


@pytest.mark.anyio
@pytest.mark.behaviour("user.hashed", "configuration.adapters")
async def test_the_users_of_features_are_hashed_like_all_others(way: Way):
    key = "a key that nobody guesses"
    with Recording(way, Details(users=UserSettings("email", key))) as recording:
        oauth = mcp_obs.create_oauth_adapter(Provider())
        await oauth.observe(ProviderOfMails()).verify_token("good")
        with oauth.sign_in() as step:
            step.identify("ada")
        operation = begin(lambda: Message("ping", None, 1, None, None, None))
        assert operation is not None
        with operation.current():
            oauth.telemetry.identify("ada", ("read",))
        operation.answer({})
        pictures = [recording.picture(name)["attributes"] for name in recording.names]
    assert [
        (picture.get("enduser.pseudo.id"), picture.get("enduser.scope"), picture.get("enduser.id"))
        for picture in pictures
    ] == [
        (hashed(key.encode(), "ada@example.com"), "read write", None),
        (hashed(key.encode(), "ada"), None, None),
        (hashed(key.encode(), "ada"), "read", None),
    ]


@pytest.mark.behaviour("configuration.adapters")
def test_a_step_stands_inside_the_operation_that_takes_it_which_has_its_user(recording: Recording):
    telemetry = mcp_obs.create_telemetry_adapter()
    operation = begin(lambda: Message("tools/call", {"name": "file"}, 1, None, None, None))
    assert operation is not None
    with operation.current(), telemetry.step("support", "ticket", {"category": "bug"}) as step:
        step.set_attributes({"ticket": 7})
    with operation.current():
        telemetry.identify("ada")
        telemetry.error(OSError("dealt with"))
    operation.answer({})
    inside, call = recording.log.spans
    assert inside.parent is not None
    assert inside.parent.span_id == (call.context and call.context.span_id)
    assert recording.picture("support.ticket")["attributes"] == {
        "category": "bug",
        "mcp_obs.feature.name": "support",
        "mcp_obs.feature.step": "ticket",
        "ticket": 7,
    }
    picture = recording.picture("tools/call file")
    assert picture["attributes"]["enduser.id"] == "ada"
    assert picture["events"] == [
        ("exception", {"exception.type": "OSError", "exception.message": "dealt with"})
    ]


@pytest.mark.behaviour("privacy.messages-without-secrets")
def test_what_an_exception_of_a_step_says_has_no_secrets(recording: Recording):
    telemetry = mcp_obs.create_telemetry_adapter()
    error = OSError("no account of ada@example.com \ud800")
    with pytest.raises(OSError, match="account"), telemetry.step("support", "ticket"):
        telemetry.error(error)
        raise error
    said = {"exception.type": "OSError", "exception.message": "no account of [redacted email] ?"}
    assert recording.picture("support.ticket") == {
        "name": "support.ticket",
        "kind": "INTERNAL",
        "status": ("ERROR", said["exception.message"]),
        "attributes": {
            "mcp_obs.feature.name": "support",
            "mcp_obs.feature.step": "ticket",
            "error.type": "OSError",
        },
        "events": [("exception", said), ("exception", said)],
        "links": 0,
    }


@pytest.mark.behaviour("configuration.adapters")
@pytest.mark.anyio
@pytest.mark.parametrize("line", installed_lines().values(), ids=str)
async def test_one_call_configures_a_server_with_sign_in_and_support(line: Line):
    with collecting() as collector:
        provider = Provider()
        features = mcp_obs.configure_all_mcp_features(
            telemetry={"endpoint": collector.url, "server_name": "kit", "metrics": True},
            oauth=provider,
            support=True,
        )
        try:
            assert features.oauth is not None
            assert features.support is not None
            async with line.in_memory(mcp_obs.instrument(line.build())) as peer:
                await peer.call("add", a=1, b=2)
            await provider.verify_token("good")
            with features.support.ticket("ada"):
                pass
            at_exit.flush()
        finally:
            _telemetry.use(None)
    assert collector.attributes["tools/call add"]["mcp_obs.operation.outcome"] == "ok"
    assert collector.attributes["oauth.introspection"]["enduser.id"] == "ada"
    assert collector.attributes["support.ticket"]["enduser.id"] == "ada"
    assert {resource["service.name"] for resource in collector.resources} == {"kit"}
    steps = [point for point in collector.points[-1] if point.metric == "mcp_obs.feature.steps"]
    assert sorted((str(point.attributes["mcp_obs.feature.step"]), point.value) for point in steps) == [
        ("introspection", 1),
        ("ticket", 1),
    ]


@pytest.mark.behaviour("configuration.adapters")
def test_what_is_off_harms_nothing():
    provider = Provider()
    try:
        features = mcp_obs.configure_all_mcp_features(
            telemetry={"enabled": False}, oauth=provider, support=True
        )
        assert features.oauth is not None
        assert features.support is not None
        with features.oauth.sign_in() as step:
            step.identify("ada")
        with features.oauth.token_refresh(), features.oauth.introspection():
            pass
        with pytest.raises(OSError, match="full"), features.support.ticket("ada"):
            raise OSError("full")
        bare = mcp_obs.configure_all_mcp_features(telemetry={"enabled": False})
        assert (bare.oauth, bare.support) == (None, None)
    finally:
        _telemetry.use(None)
