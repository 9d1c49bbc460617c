"""Exports of as many things as fit in their bytes, and what reading one costs: `message_bombs.py NAME BYTES`."""

import resource
import sys

from mcp_obs_server.ingest.admission import admit
from mcp_obs_server.ingest.errors import ExportRefused
from mcp_obs_server.ingest.signal import ANY_TIME, Signal
from mcp_obs_server.ingest.signals import SIGNALS
from mcp_obs_server.ingest.wire import varint

_SCOPES, _ITEMS = b"\x12", b"\x12"
_RESOURCES = b"\x0a"
_ITEM = (_RESOURCES, _SCOPES, _ITEMS)

# By name: the signal, the tags around, and what is inside again and again.
PROTOBUF: dict[str, tuple[str, tuple[bytes, ...], bytes]] = {
    "resources": ("traces", (), b"\x0a\0"),
    "resources with a scope": ("logs", (), b"\x0a\2\x12\0"),
    "scopes": ("metrics", (_RESOURCES,), b"\x12\0"),
    "spans": ("traces", (_RESOURCES, _SCOPES), b"\x12\0"),
    "attributes": ("traces", _ITEM, b"\x4a\0"),
    "events": ("traces", _ITEM, b"\x5a\0"),
    "links": ("traces", _ITEM, b"\x6a\0"),
    "links with what nobody knows": ("traces", _ITEM, b"\x6a\2\x38\1"),
    "links with a tag that is too long": ("traces", _ITEM, b"\xea\0\0"),
    "values": ("logs", (*_ITEM, b"\x2a", b"\x2a"), b"\x0a\0"),
    "data points": ("metrics", (*_ITEM, b"\x2a"), b"\x0a\0"),
    "buckets": ("metrics", (*_ITEM, b"\x52", b"\x0a", b"\x42", b"\x12"), b"\1"),
    "fields": ("traces", _ITEM, b"\x18\1"),
}
JSON = {
    "JSON resources": ('{"resourceSpans": [%s{}]}', "{},"),
    "JSON lists": ('{"x": [%s[]]}', "[],"),
    "JSON numbers": ('{"x": [%s1]}', "1.5,"),
}
NAMES = (*PROTOBUF, *JSON)


def bomb(name: str, size: int) -> tuple[Signal, bytes]:
    """An export of about so many bytes."""
    signals = {signal.name: signal for signal in SIGNALS}
    if name in JSON:
        around, inside = JSON[name]
        return signals["traces"], (around % (inside * (size // len(inside)))).encode()
    signal, tags, unit = PROTOBUF[name]
    body = unit * (size // len(unit))
    for tag in reversed(tags):
        body = tag + varint(len(body)) + body
    return next(each for each in SIGNALS if each.name == signal), body


def _measure(name: str, size: int) -> None:
    """Print the MiB that admission took and how it ended."""
    signal, body = bomb(name, size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        outcome = f"kept {admit(signal, body, name in JSON, ANY_TIME).kept}"
    except ExportRefused as error:
        outcome = str(error)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, outcome)


if __name__ == "__main__":
    _measure(sys.argv[1], int(sys.argv[2]))
