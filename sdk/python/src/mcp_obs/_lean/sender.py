"""One export over OTLP/HTTP."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from mcp_obs._guard import logger

# OTLP/HTTP: these may be sent again, all others may not.
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_MOST_OF_A_REASON = 200
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class Sent(NamedTuple):
    """How an export went: taken, refused for good, or to be tried again, not before so many seconds."""

    is_over: bool
    retry_seconds: float = 0.0


class Sender:
    """A connection to one URL. For one thread."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._headers = {
            **headers,
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
            "user-agent": "mcp-obs",
        }
        self._pool = _pool_for(url)
        self._has_told = False

    def forget(self) -> None:
        """Leave the connection to the parent process that this one was forked from."""
        self._pool = _pool_for(self._url)

    def send(self, body: bytes, seconds: float) -> Sent:
        """Send one gzipped request, for at most about `seconds`."""
        try:
            response = self._pool.request(
                "POST", self._url, body=body, headers=self._headers, timeout=seconds, redirect=False
            )
        except (HTTPError, OSError) as error:
            self._tell("mcp-obs: %s does not take telemetry and is tried again: %s", self._url, error)
            return Sent(is_over=False)
        if response.status in _RETRYABLE:
            self._tell("mcp-obs: %s answers %d and is tried again", self._url, response.status)
            return Sent(is_over=False, retry_seconds=_seconds(response.headers.get("retry-after")))
        if response.status >= 300:
            reason = response.data[:_MOST_OF_A_REASON].decode(errors="replace")
            self._tell(
                "mcp-obs: %s refuses telemetry, which is lost: %d %s", self._url, response.status, reason
            )
        else:
            self._has_told = False
        return Sent(is_over=True)

    def _tell(self, message: str, *arguments: object) -> None:
        # Once until it works again: a collector that is away for a night must not fill the host's log.
        if not self._has_told:
            self._has_told = True
            logger.warning(message, *arguments)


def _pool_for(url: str) -> urllib3.PoolManager:
    """Through the proxy that the environment names, which is never meant for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = getproxies().get(parts.scheme)
    if proxy is None or host in _THIS_MACHINE or proxy_bypass(host):
        return urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)
    return urllib3.ProxyManager(proxy, num_pools=1, maxsize=1, retries=False)


def _seconds(retry_after: str | None) -> float:
    # A date (RFC 9110, 10.2.3) is left to the breaker's own pauses.
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
