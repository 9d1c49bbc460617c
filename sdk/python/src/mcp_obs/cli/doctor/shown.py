"""Exports as people read them: OTLP's JSON, and no secret."""

import base64
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToDict

from mcp_obs.cli.doctor.kept import Export

# What is no secret, whoever sends it.
_PLAIN = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"}
    | {"host", "user-agent"}
)
# OTLP 1.9, "JSON Protobuf Encoding": these are hexadecimal where JSON has base64 for all other bytes.
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_KEY = "mcpobs_"
# `mcpobs_live_` and the part by which `mcp-obs keys list` shows a key.
_PUBLIC = 8


def shown_export(export: Export) -> dict[str, Any]:
    """The whole request."""
    message = export.message()
    return {
        "signal": export.signal,
        "url": shown_url(export.url),
        "headers": {name: shown_header(name, value) for name, value in sorted(export.headers.items())},
        "bytes": len(export.body),
        "body": _with_hexadecimal_ids(MessageToDict(message)) if message is not None else None,
    }


def shown_header(name: str, value: str) -> str:
    """A header; what may be a secret only as far as it is none."""
    if name.lower() in _PLAIN:
        return value
    scheme, space, secret = value.rpartition(" ") if name.lower() == "authorization" else ("", "", value)
    return f"{scheme}{space}{shown_key(secret)}" if " " not in scheme else shown_key(secret)


def shown_key(secret: str) -> str:
    """The beginning of an API key of mcp-obs, and nothing of any other secret."""
    if secret.startswith(_KEY) and secret.count("_") >= 2:
        kind, environment, rest = secret.split("_", 2)
        return f"{kind}_{environment}_{rest[:_PUBLIC]}…"
    return "…"


def shown_url(url: str) -> str:
    """An address without the name and password that can stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _with_hexadecimal_ids(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = cast("Mapping[str, Any]", value)
        return {
            key: base64.b64decode(inner).hex()
            if key in _IDS and isinstance(inner, str)
            else _with_hexadecimal_ids(inner)
            for key, inner in pairs.items()
        }
    if isinstance(value, list):
        return [_with_hexadecimal_ids(each) for each in cast("list[Any]", value)]
    return value
