"""What an OAuth flow records: sign-in, token refresh, introspection and their failures, and who it is about."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from mcp_obs import _telemetry, semconv
from mcp_obs._features import Step, TelemetryAdapter
from mcp_obs._guard import Guard

ProviderT = TypeVar("ProviderT")

# The methods of mcp's TokenVerifier and OAuthAuthorizationServerProvider, which fastmcp's providers have too.
_STEPS: Mapping[str, str] = {
    "verify_token": semconv.FEATURE_STEP_INTROSPECTION,
    "load_access_token": semconv.FEATURE_STEP_INTROSPECTION,
    "exchange_authorization_code": semconv.FEATURE_STEP_SIGN_IN,
    "exchange_refresh_token": semconv.FEATURE_STEP_TOKEN_REFRESH,
}
# What is exchanged in them.
_GRANTS: Mapping[str, str] = {
    semconv.FEATURE_STEP_SIGN_IN: "authorization_code",
    semconv.FEATURE_STEP_TOKEN_REFRESH: "refresh_token",
}
_MARK = "_mcp_obs_observed"
_observing = Guard("observing an OAuth provider, so its steps are not recorded")
_identifying = Guard("reading for whom a token is")


@dataclass(frozen=True)
class OAuthAdapter:
    """The steps of an OAuth flow, recorded by `telemetry`. No token and no code is."""

    telemetry: TelemetryAdapter = field(default_factory=TelemetryAdapter)

    def sign_in(self) -> AbstractContextManager[Step]:
        """An authorization code is exchanged for tokens; `identify` says for whom."""
        return self._step(semconv.FEATURE_STEP_SIGN_IN)

    def token_refresh(self) -> AbstractContextManager[Step]:
        """A refresh token is exchanged."""
        return self._step(semconv.FEATURE_STEP_TOKEN_REFRESH)

    def introspection(self) -> AbstractContextManager[Step]:
        """An access token is verified; `refuse` says why it is not good."""
        return self._step(semconv.FEATURE_STEP_INTROSPECTION)

    def observe(self, provider: ProviderT) -> ProviderT:
        """Record every step that a provider or a token verifier of mcp or fastmcp takes; returns the same one."""
        with _observing:
            if not hasattr(provider, _MARK):
                setattr(provider, _MARK, True)
                for method, step in _STEPS.items():
                    if callable(getattr(provider, method, None)):
                        setattr(provider, method, self._observed(getattr(provider, method), step))
        return provider

    def _step(self, name: str) -> AbstractContextManager[Step]:
        return self.telemetry.step(semconv.FEATURE_OAUTH, name)

    def _observed(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(method)
        async def observed(*args: Any, **kwargs: Any) -> Any:
            with self._step(name) as step:
                with _identifying:
                    _identify_grant(step, name, args, kwargs)
                result = await method(*args, **kwargs)
                with _identifying:
                    _describe(step, name, result)
                return result

        return observed


def _identify_grant(step: Step, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    telemetry = _telemetry.current()
    if name not in _GRANTS or telemetry is None:
        return
    # It comes after the client.
    grant = kwargs.get(_GRANTS[name], args[1] if len(args) > 1 else None)
    user = telemetry.details.users.of_grant(grant)
    if user is not None:
        step.identify(user)


def _describe(step: Step, name: str, result: Any) -> None:
    if name != semconv.FEATURE_STEP_INTROSPECTION:
        return
    if result is None:
        step.refuse("invalid_token")
        return
    telemetry = _telemetry.current()
    user = telemetry.details.users.of_token(result) if telemetry is not None else None
    if user is not None:
        step.identify(user, tuple(getattr(result, "scopes", None) or ()))
