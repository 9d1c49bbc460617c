"""An attribute's value as people read it, from how it is kept (decision 0002)."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from mcp_obs_server.analytics.span_schemas import Attribute, AttributeType

Json = str | bool | int | float | list["Json"] | dict[str, "Json"] | None

IN_HEX = "arrayMap((k, v) -> (k, hex(v)), mapKeys({0}), mapValues({0}))"
"""Selects a map of values: arrays and maps in it are bytes that are no text."""


def attributes(values: Iterable[tuple[str, str]], types: Mapping[str, AttributeType]) -> list[Attribute]:
    """The attributes of a map that was selected IN_HEX, by key."""
    return [_attribute(key, types.get(key, "string"), bytes.fromhex(value)) for key, value in sorted(values)]


def _attribute(key: str, kind: AttributeType, value: bytes) -> Attribute:
    return Attribute(key=key, type=kind, value=as_text(kind, value))


def as_text(kind: AttributeType, value: bytes) -> str:
    """A value as people read it: arrays and maps as JSON, bytes in base64."""
    return _TEXTS.get(kind, bytes.decode)(value)


def _array(value: bytes) -> str:
    return _json_text([_json(each) for each in ArrayValue.FromString(value).values])


def _map(value: bytes) -> str:
    return _json_text({each.key: _json(each.value) for each in KeyValueList.FromString(value).values})


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


_TEXTS: dict[str, Callable[[bytes], str]] = {"array": _array, "map": _map, "bytes": _bytes}


def _json_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(value: AnyValue) -> Json:
    match value.WhichOneof("value"):
        case "array_value":
            return [_json(each) for each in value.array_value.values]
        case "kvlist_value":
            return {each.key: _json(each.value) for each in value.kvlist_value.values}
        case "bytes_value":
            return _bytes(value.bytes_value)
        case "double_value":
            # JSON has no word for infinity.
            number = value.double_value
            return number if number - number == 0 else str(number)
        case None:
            return None
        case name:
            return getattr(value, name)
