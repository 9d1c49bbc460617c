"""OTLP/JSON to protobuf: proto3 JSON with OTLP's own rules (OTLP 1.11, "JSON Protobuf Encoding").

Ids are hex, not base64; keys are lowerCamelCase and nothing else; enums are integers; unknown keys are ignored;
64-bit integers come as strings or numbers.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from mcp_obs_server.ingest.errors import MalformedExport

M = TypeVar("M", bound=Message)

# Of messages, as protobuf's reader counts them: what one encoding takes, the other takes too.
MAX_DEPTH = 100
# Of a path that deep: where it begins says enough.
_PATH_LENGTH = 120
_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_SIGNALS = {"resourceSpans": "/v1/traces", "resourceMetrics": "/v1/metrics", "resourceLogs": "/v1/logs"}
_FLOATS = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def parse(body: bytes, message: M) -> M:
    """Fill `message` from OTLP/JSON. Raises MalformedExport naming the place."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedExport(f"The body is not JSON: {error}") from None
    _refuse_another_signal(parsed, message)
    _fill(message, parsed, "", 0)
    return message


def _refuse_another_signal(parsed: object, message: Message) -> None:
    """Its fields are unknown here: nothing of it would be kept, and nobody would hear of it."""
    if isinstance(parsed, dict) and _fields(message).keys().isdisjoint(cast("dict[str, object]", parsed)):
        for field, path in _SIGNALS.items():
            if field in parsed:
                raise MalformedExport(f"The body has {field}, which belong to {path}.")


def _fill(message: Message, value: object, path: str, depth: int) -> None:
    if not isinstance(value, dict):
        raise MalformedExport(f"{path or 'The body'}: expected an object, got {_kind(value)}.")
    if depth > MAX_DEPTH:
        raise MalformedExport(f"Nested deeper than {MAX_DEPTH} levels: {path[:_PATH_LENGTH]}...")
    fields = _fields(message)
    for key, item in cast("dict[str, object]", value).items():
        field = fields.get(key)
        # JSON null is proto3's default value.
        if field is not None and item is not None:
            _set(message, field, item, f"{path}.{key}" if path else key, depth)


def _set(message: Message, field: FieldDescriptor, value: object, path: str, depth: int) -> None:
    if field.is_repeated:
        if not isinstance(value, list):
            raise MalformedExport(f"{path}: expected an array, got {_kind(value)}.")
        target = getattr(message, field.name)
        for index, item in enumerate(cast("list[object]", value)):
            if field.message_type:
                _fill(target.add(), item, f"{path}[{index}]", depth + 1)
            else:
                place = f"{path}[{index}]"
                _put(target.append, _scalar(field, item, place), place)
    elif field.message_type:
        child = getattr(message, field.name)
        child.SetInParent()
        _fill(child, value, path, depth + 1)
    else:
        _put(partial(setattr, message, field.name), _scalar(field, value, path), path)


def _put(put: Callable[[Any], None], value: object, path: str) -> None:
    """What has the right type may still be out of the field's range."""
    try:
        put(value)
    except (ValueError, TypeError) as error:
        raise MalformedExport(f"{path}: {error}.") from None


def _scalar(field: FieldDescriptor, value: object, path: str) -> Any:
    convert = _CONVERT.get(field.type, _integer)
    try:
        return _hex(value) if field.name in _HEX_FIELDS else convert(value)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        expected = "hex digits" if field.name in _HEX_FIELDS else _EXPECTED.get(convert, "an integer")
        raise MalformedExport(f"{path}: expected {expected}, got {_kind(value)}.") from None


def _hex(value: object) -> bytes:
    return bytes.fromhex(_text(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    # A lone surrogate is no Unicode text and has no UTF-8.
    value.encode()
    return value


def _bytes(value: object) -> bytes:
    text = _text(value).replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise TypeError
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    # Python's int() also takes spaces and underscores.
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, str):
        return _SPECIAL_FLOATS[value] if value in _SPECIAL_FLOATS else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


_CONVERT: dict[int, Callable[[object], Any]] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_BOOL: _boolean,
    **dict.fromkeys(_FLOATS, _float),
}
_EXPECTED: dict[Callable[[object], Any], str] = {
    _text: "a string",
    _bytes: "base64",
    _boolean: "true or false",
    _float: "a number",
}


def _fields(message: Message) -> dict[str, FieldDescriptor]:
    name = message.DESCRIPTOR.full_name
    if name not in _FIELDS:
        fields = cast("list[FieldDescriptor]", message.DESCRIPTOR.fields)
        _FIELDS[name] = {field.json_name: field for field in fields}
    return _FIELDS[name]


_FIELDS: dict[str, dict[str, FieldDescriptor]] = {}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    text = json.dumps(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    return text if len(text) <= 40 else text[:37] + "..."
