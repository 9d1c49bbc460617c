"""Who may read the metrics."""

import hmac

from pydantic import SecretStr

from mcp_obs_server.kit.errors import NotFoundError, UnauthenticatedError


class ScraperToken:
    """The token that a scraper has to send; without one nobody may read."""

    def __init__(self, token: SecretStr | None) -> None:
        self._expected = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    def check(self, authorization: str) -> None:
        """Raises NotFoundError when there is no token, UnauthenticatedError when this is not `Bearer {token}`."""
        if self._expected is None:
            raise NotFoundError(
                "Metrics are off: set MCP_OBS_METRICS_TOKEN, and give the token to your scraper."
            )
        if not hmac.compare_digest(authorization.encode(), self._expected):
            raise UnauthenticatedError("Send MCP_OBS_METRICS_TOKEN's value as 'Authorization: Bearer ...'.")
