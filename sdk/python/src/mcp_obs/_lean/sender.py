"""One export over OTLP/HTTP."""

import gzip
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import requests
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]  the SDK's own processors use it
    attach,
    set_value,
)
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from mcp_obs._guard import logger
from mcp_obs._http_session import HttpSession
from mcp_obs._lean.partial_success import partial_success
from mcp_obs._text import in_one_line

# OTLP 1.9, OTLP/HTTP: these may be sent again, all others may not.
_RETRYABLE = frozenset({429, 502, 503, 504})
_TOO_LARGE = str(HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value)
_MOST_OF_AN_ANSWER = 4096
_MOST_OF_A_REASON = 200
_MOST_REASONS = 3


class Sent(NamedTuple):
    """How an export went: taken, refused for good, or to be tried again, not before so many seconds.

    One that is too large is refused for good, but parts of it may be taken. `error` is the status or the exception
    of what was not taken. Of what was, `rejected` spans or data points were left out for good.
    """

    is_over: bool
    retry_seconds: float = 0.0
    is_too_large: bool = False
    error: str | None = None
    rejected: int = 0

    @property
    def is_unwell(self) -> bool:
        """Whether others would fare no better now; a size says nothing of others."""
        return not self.is_over or self.error not in {None, _TOO_LARGE}


class _InOnePiece(HTTPConnection):
    """Sends the head and the body of a request at once: by itself each takes 80 µs."""

    _held: list[bytes] | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        """Hold what is sent until it is whole."""
        held = self._held = []
        try:
            super().request(*arguments, **options)
        finally:
            self._held = None
        super().send(b"".join(held))

    def send(self, data: Any) -> None:
        """What belongs to no request, as what a proxy is asked before, goes at once."""
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)


class _Adapter(HTTPAdapter):
    """One for a single URL: what requests finds out for each request anew is twice what sending takes."""

    def __init__(self) -> None:
        super().__init__()
        self._pool: Any = None
        self._target = ""

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """By the proxy, to the address, with the certificates of the first request."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            kind = self._pool.ConnectionCls
            # Where Python has no TLS, it is nothing that connects.
            if issubclass(kind, HTTPConnection):
                self._pool.ConnectionCls = type("InOnePiece", (_InOnePiece, kind), {})
        return self._pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The certificates' files, which a pool of connections is told of once."""
        if not self._target:
            super().cert_verify(conn, url, verify, cert)

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """What is asked for, by a proxy or not."""
        if not self._target:
            self._target = super().request_url(request, proxies)
        return self._target

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Without cookies, which nobody would send back."""
        response = requests.Response()
        response.status_code, response.headers, response.raw = resp.status, resp.headers, resp
        return response


class Sender:
    """A connection to one URL, by the proxies and certificates that the environment names. For one thread."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        parts = urlsplit(url)
        # Without a password, for the host's log.
        self._shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._headers = {**headers, "content-type": "application/x-protobuf", "user-agent": "mcp-obs"}
        # What is answered is read as it comes.
        self._headers["accept-encoding"] = "identity"
        self._is_packed = not _is_this_machine(parts.hostname or "")
        if self._is_packed:
            self._headers["content-encoding"] = "gzip"
        self._adapter = _Adapter()
        self._prepared: requests.PreparedRequest | None = None
        self._settings: dict[str, Any] = {}
        self._has_told = False
        self._losses, self._warnings = set[str](), set[str]()

    def forget(self) -> None:
        """Leave the connection to the parent process that this one was forked from."""
        self._adapter = _Adapter()

    def close(self) -> None:
        """Let the connection go, in the thread that sends or after it.

        Left to the end of the interpreter, urllib3 would close it when parts of urllib3 are gone, and say so.
        """
        self._adapter.close()
        self._adapter = _Adapter()

    def send(self, body: bytes, seconds: float, *, is_divisible: bool = False) -> Sent:
        """Send one request; `seconds` for connecting, and again for each part of the answer.

        Of one that `is_divisible` it is no loss when it is too large.
        """
        try:
            request = self._request(body)
            # An adapter follows no redirect, which would take the key elsewhere.
            response = self._adapter.send(request, timeout=seconds, **self._settings)
        except Exception as error:  # noqa: BLE001  each layer below has its own; some quote the headers
            is_away = isinstance(error, requests.ConnectionError | requests.Timeout)
            reason = str(error) if is_away else type(error).__name__
            self._tell("mcp-obs: %s does not take telemetry and is tried again: %s", self._shown, reason)
            return Sent(is_over=False, error=type(error).__name__)
        with response:
            return self._judge(response, is_divisible)

    def _request(self, body: bytes) -> requests.PreparedRequest:
        """Proxies, certificates and a .netrc are looked up once: that is half of what an export costs."""
        if self._prepared is None:
            session = HttpSession()
            prepared = session.prepare_request(requests.Request("POST", self._url, self._headers))
            merged = session.merge_environment_settings(prepared.url or self._url, {}, True, None, None)
            # As it is replaced below, however it is spelled in what a host sets.
            prepared.headers["Content-Length"] = ""
            self._prepared, self._settings = prepared, dict(merged)
            self._headers = dict(prepared.headers)
        packed = gzip.compress(body, 1) if self._is_packed else body
        request = requests.PreparedRequest()
        request.method, request.url, request.body = self._prepared.method, self._prepared.url, packed
        # Plain: requests' own mapping, which is written in Python, and its copies take 100 µs.
        request.headers = cast("Any", {**self._headers, "Content-Length": str(len(packed))})
        return request

    def _judge(self, response: requests.Response, is_divisible: bool) -> Sent:
        """Goes by the status alone: what was taken must not be sent again because its answer is broken."""
        answer, error = _start_of(response), str(response.status_code)
        if response.status_code in _RETRYABLE:
            self._tell("mcp-obs: %s answers %d and is tried again", self._shown, response.status_code)
            seconds = _seconds(response.headers.get("retry-after"))
            return Sent(is_over=False, retry_seconds=seconds, error=error)
        if error == _TOO_LARGE and is_divisible:
            return Sent(is_over=True, is_too_large=True, error=error)
        if response.status_code >= 300:
            reason = _reason(answer.decode(errors="replace"))
            self._tell(
                "mcp-obs: %s refuses telemetry, which is lost: %d %s",
                self._shown,
                response.status_code,
                reason,
            )
            return Sent(is_over=True, error=error)
        self._has_told = False
        rejected, reason = partial_success(answer)
        self._tell_of_a_part(rejected, reason)
        return Sent(is_over=True, rejected=rejected)

    def _tell(self, message: str, *arguments: object) -> None:
        # Once until it works again: a collector that is away for a night must not fill the host's log.
        if not self._has_told:
            self._has_told = True
            logger.warning(message, *arguments)

    def _tell_of_a_part(self, rejected: int, reason: str) -> None:
        reason = _reason(reason)
        told = self._losses if rejected else self._warnings
        # Each reason once, but one may have the time or a number in it.
        if not (rejected or reason) or reason in told or len(told) == _MOST_REASONS:
            return
        told.add(reason)
        if rejected:
            lost = "mcp-obs: %s rejects part of the telemetry, which is lost: %d spans or points, %s"
            logger.warning(lost, self._shown, rejected, reason or "for no reason that it gives")
        else:
            logger.warning("mcp-obs: %s takes telemetry with a warning: %s", self._shown, reason)


def hide_requests() -> None:
    """The host's own instrumentation of HTTP need not see what the thread sends that calls this."""
    attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))


def _is_this_machine(host: str) -> bool:
    """Whether what is sent stays here, where it costs more to pack and unpack it than to hand it over."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(text: str) -> str:
    return in_one_line(text)[:_MOST_OF_A_REASON]


def _start_of(response: requests.Response) -> bytes:
    """All of an answer of the usual length, after which its connection serves again."""
    try:
        return response.raw.read(_MOST_OF_AN_ANSWER, decode_content=False)
    except Exception:  # noqa: BLE001  each layer below has its own
        return b""


def _seconds(retry_after: str | None) -> float:
    # A date (RFC 9110, 10.2.3) is left to the breaker's own pauses.
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
