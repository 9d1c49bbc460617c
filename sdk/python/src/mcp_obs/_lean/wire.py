"""The few parts of protobuf that a span is written with.

The generated classes cost 20 µs a span, most of it for fields that are the same in every span of a tool.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from mcp_obs._text import clean

_FIXED64 = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_MOST_NESTING = 8
# trace.proto, message Span.
_ATTRIBUTE = b"\x4a"


_BYTES = tuple(bytes((number,)) for number in range(128))


def varint(number: int) -> bytes:
    """A length or an int64."""
    if 0 <= number < 128:
        return _BYTES[number]
    if 0 <= number < 16384:
        return bytes((number & 127 | 128, number >> 7))
    if number < 0:
        number += 1 << 64
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(tag: bytes, content: bytes) -> bytes:
    """A field that says how long it is."""
    return tag + varint(len(content)) + content


def text(value: str) -> bytes:
    """UTF-8; a lone surrogate becomes a question mark, as one would cost the whole batch."""
    return value.encode(errors="replace")


def fixed64(number: int) -> bytes:
    """A time."""
    return _FIXED64.pack(number)


def attribute(name: str, value: Any) -> bytes:
    """One of a span's attributes."""
    if type(value) is str:
        key, content = _key(name), value.encode(errors="replace")
        length = len(content)
        # Every length in it is one byte: most are so, and take half as long at once.
        if len(key) + length < 124:
            return _ATTRIBUTE + b"%c%b\x12%c\x0a%c%b" % (
                len(key) + length + 4,
                key,
                length + 2,
                length,
                content,
            )
    return field(_ATTRIBUTE, key_value(name, value))


# A type is part of the key: 1 and True are equal.
repeated_attribute = lru_cache(maxsize=1024, typed=True)(attribute)
"""The same for one that other spans are likely to have too: a session, a peer, a size."""


def key_value(name: str, value: Any) -> bytes:
    """An attribute: opentelemetry.proto.common.v1.KeyValue."""
    return _key(name) + field(b"\x12", _any_value(value))


@lru_cache(maxsize=512)
def _key(name: str) -> bytes:
    return field(b"\x0a", text(name))


def _any_value(value: Any) -> bytes:
    kind = cast("type[Any]", type(value))
    if kind is str:
        return field(b"\x0a", text(value))
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int and -(1 << 63) <= value < 1 << 63:
        return b"\x18" + varint(value)
    if kind is float:
        return b"\x21" + _DOUBLE.pack(value)
    return _message_of(value, 0).SerializeToString()


def _message_of(value: Any, depth: int) -> AnyValue:
    """What a host may set beside plain values; what OTLP has no type for becomes text."""
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, str):  # an enum's member, whose str() is its name
        return AnyValue(string_value=clean(str.__str__(value)))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if depth < _MOST_NESTING and isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        values = [KeyValue(key=clean(str(key)), value=_message_of(each, depth + 1)) for key, each in items]
        return AnyValue(kvlist_value=KeyValueList(values=values))
    if depth < _MOST_NESTING and isinstance(value, Sequence):
        members = cast("Sequence[Any]", value)
        return AnyValue(array_value=ArrayValue(values=[_message_of(each, depth + 1) for each in members]))
    return AnyValue() if value is None else AnyValue(string_value=clean(str(value)))
