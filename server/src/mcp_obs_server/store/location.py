"""Where the telemetry is: a folder for the embedded engine, or a ClickHouse server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

# These names stand as they are in statements.
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLUSTER = re.compile(r"[A-Za-z0-9_.-]+")
_FORMS = "chdb:///folder, clickhouse://user:password@host:8123/database or clickhouses://… for TLS"


@dataclass(frozen=True)
class ClickHouse:
    """A server's HTTP interface, and the cluster that the tables are spread over."""

    host: str
    port: int
    secure: bool = False
    user: str = "default"
    password: SecretStr = field(default=SecretStr(""))
    database: str = "mcp_obs"
    cluster: str | None = None


StoreLocation = Path | ClickHouse


def parse_store_url(url: str) -> StoreLocation:
    """The location that a URL names. Raises ValueError with a sentence that leaves out the URL and its password."""
    if "#" in url:
        raise ValueError("a # in the user or password has to be written %23")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"the port isn't a number, or a character needs percent-encoding: {_FORMS}"
        ) from error
    if parts.scheme == "chdb":
        return _folder(parts)
    if parts.scheme in ("clickhouse", "clickhouses"):
        return _server(parts, port)
    raise ValueError(f"the store is a URL: {_FORMS}")


def _folder(parts: SplitResult) -> Path:
    if parts.netloc or parts.query or len(parts.path) < 2:
        raise ValueError(
            "the embedded store is an absolute folder with three slashes: chdb:///var/lib/mcp-obs"
        )
    return Path(unquote(parts.path))


def _server(parts: SplitResult, port: int | None) -> ClickHouse:
    secure = parts.scheme == "clickhouses"
    database = unquote(parts.path).strip("/") or "mcp_obs"
    if not parts.hostname:
        raise ValueError(f"the host is missing: {_FORMS}")
    if not _DATABASE.fullmatch(database):
        raise ValueError("the database's name has only letters, digits and _")
    return ClickHouse(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(parts.username or "default"),
        password=SecretStr(unquote(parts.password or "")),
        database=database,
        cluster=_cluster(dict(parse_qsl(parts.query, keep_blank_values=True))),
    )


def _cluster(options: Mapping[str, str]) -> str | None:
    if options.keys() - {"cluster"}:
        raise ValueError("the only option of a ClickHouse URL is ?cluster=NAME")
    cluster = options.get("cluster")
    if cluster is not None and not _CLUSTER.fullmatch(cluster):
        raise ValueError("the cluster's name has only letters, digits, '_', '-' and '.'")
    return cluster
