"""Attributes in SQL: the type that the protobuf reader fills, and the two maps that it becomes (decision 0002)."""

from collections.abc import Iterable

ANY_VALUE = (
    "Tuple(string_value String, bool_value Bool, int_value Int64, double_value Float64, array_value String,"
    " kvlist_value String, bytes_value String, kind Enum8('empty' = 0, 'string_value' = 1, 'bool_value' = 2,"
    " 'int_value' = 3, 'double_value' = 4, 'array_value' = 5, 'kvlist_value' = 6, 'bytes_value' = 7))"
)
# Keys are few and repeat: as LowCardinality they are compared as numbers, 17 times a span for the columns alone.
ATTRIBUTES = f"Array(Tuple(key LowCardinality(String), value {ANY_VALUE}))"
_TYPES = (
    "Map(LowCardinality(String), Enum8('empty' = 0, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5,"
    " 'map' = 6, 'bytes' = 7))"
)

_TEXT = (
    "multiIf({0}.kind = 'string_value', {0}.string_value, {0}.kind = 'int_value', toString({0}.int_value),"
    " {0}.kind = 'bool_value', toString({0}.bool_value), {0}.kind = 'double_value', toString({0}.double_value),"
    " {0}.kind = 'array_value', {0}.array_value, {0}.kind = 'kvlist_value', {0}.kvlist_value, {0}.bytes_value)"
)


def text(value: str) -> str:
    """A value as text; arrays and maps as the bytes of their protobuf message."""
    return _TEXT.format(value)


def values(keys: str, values: str) -> str:
    """The map from each key to its value as text."""
    return f"CAST(({keys}, arrayMap(v -> {text('v')}, {values})), 'Map(LowCardinality(String), String)')"


def types(keys: str, values: str) -> str:
    """The map from each key whose value is no string to the value's type."""
    return (
        f"CAST((arrayFilter((k, v) -> v.kind != 'string_value', {keys}, {values}),"
        f" arrayMap(v -> toInt8(v.kind), arrayFilter(v -> v.kind != 'string_value', {values}))),"
        f" '{_sql_text(_TYPES)}')"
    )


def both(attributes: str) -> tuple[str, str]:
    """The map of values and the map of types for one list of attributes."""
    pairs = f"{attributes}.key", f"{attributes}.value"
    return values(*pairs), types(*pairs)


def quoted(words: Iterable[str]) -> str:
    """A list of string literals."""
    return ", ".join(f"'{word}'" for word in sorted(words))


def _sql_text(text: str) -> str:
    return text.replace("'", "\\'")
