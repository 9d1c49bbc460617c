"""The way to the collector, layer by layer."""

import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import requests

from mcp_obs.cli.doctor.check import Check

_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443, "grpc": 4317, "grpcs": 4317}
_TLS = ("https", "grpcs")
_SECONDS_A_DAY = 86_400
_SOON_DAYS = 14


def of_network(url: str, now: Callable[[], float] = time.time) -> list[Check]:
    """DNS, TCP and TLS, as far as they go; the address is a proxy's where the environment names one."""
    parts = urlsplit(url)
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    way = urlsplit(proxy) if proxy else parts
    host, port = way.hostname or "", way.port or _PORTS.get(way.scheme, 443)
    through = f" (the proxy for {parts.hostname})" if proxy else ""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return [
            Check(
                "DNS",
                "problem",
                f"{host}{through} has no address: {error.strerror}.",
                "Check MCP_OBS_ENDPOINT.",
            )
        ]
    addresses = ", ".join(sorted({str(each[4][0]) for each in found}))
    said = f"{host}{through} is an address" if addresses == host else f"{host}{through} is {addresses}"
    checks = [Check("DNS", "ok", said)]
    began = time.perf_counter()
    try:
        connection = socket.create_connection((host, port), _SECONDS)
    except OSError as error:
        return [*checks, _unreachable(host, port, through, error)]
    took = (time.perf_counter() - began) * 1000
    checks.append(Check("TCP", "ok", f"port {port} answers after {took:.0f} ms"))
    with connection:
        if parts.scheme in _TLS and not proxy:
            checks.append(_of_tls(connection, host, now()))
    return checks


def _unreachable(host: str, port: int, through: str, error: OSError) -> Check:
    reason = "no answer within 5 s" if isinstance(error, TimeoutError) else error.strerror or str(error)
    is_here = host in ("127.0.0.1", "localhost", "::1")
    return Check(
        "TCP",
        "problem",
        f"Nothing listens at {host}:{port}{through}: {reason}.",
        "Start the server with `mcp-obs start`, or say by MCP_OBS_ENDPOINT where it is."
        if is_here
        else "Check the host and port in MCP_OBS_ENDPOINT, and whether a firewall is between.",
    )


def _of_tls(connection: socket.socket, host: str, now: float) -> Check:
    authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    context = (
        ssl.create_default_context(capath=authorities)
        if Path(authorities).is_dir()
        else ssl.create_default_context(cafile=authorities)
    )
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            certificate, protocol = secured.getpeercert() or {}, secured.version()
    except ssl.SSLCertVerificationError as error:
        return Check(
            "TLS",
            "problem",
            f"The certificate of {host} is not trusted: {error.verify_message}.",
            "Name the authority that has signed it by REQUESTS_CA_BUNDLE.",
        )
    except OSError as error:
        return Check(
            "TLS",
            "problem",
            f"{host} does not speak TLS there: {error}.",
            "Check the port, and http or https.",
        )
    left = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - now) / _SECONDS_A_DAY
    if left < _SOON_DAYS:
        return Check(
            "TLS",
            "warning",
            f"The certificate of {host} ends in {left:.0f} days.",
            "Have it renewed in time.",
        )
    return Check("TLS", "ok", f"{protocol}, the certificate is good for {left:.0f} days")
