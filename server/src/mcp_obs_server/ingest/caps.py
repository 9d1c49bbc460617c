"""How much one message may carry, and how what is over is cut: never in silence.

What a client may make of a span is not bounded by OTLP; 128 is what OpenTelemetry's SDKs allow by default.
"""

from collections.abc import Iterable, MutableSequence

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

MAX_COUNT = 128
"""Attributes of one message, events and links of one span."""
MAX_KEY_BYTES = 1024
"""Keys, names and versions: each is in a dictionary that all rows of a part share."""
MAX_VALUE_BYTES = 64 * 1024
SMALL_BYTES = MAX_COUNT * 7
"""What is no longer than this has nothing to cut: an attribute with a key and a value is at least 7 bytes."""

TRUNCATED = "mcp_obs.truncated"
_ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}


def cap_text(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8."""
    if len(text) <= limit // 4:
        return text
    return text.encode()[:limit].decode(errors="ignore")


def cap_texts(message: Message, limit: int, *fields: str) -> list[str]:
    """Cut a message's texts; the names of those that had to be."""
    cut: list[str] = []
    for field in fields:
        whole: str = getattr(message, field)
        if (text := cap_text(whole, limit)) != whole:
            setattr(message, field, text)
            cut.append(field)
    return cut


def cap_ids(message: Message, *fields: str) -> list[str]:
    """Take out ids that are longer than an id is; the names of those that were."""
    cut = [field for field in fields if len(getattr(message, field)) > _ID_BYTES[field]]
    for field in cut:
        message.ClearField(field)
    return cut


def cap_attributes(attributes: MutableSequence[KeyValue]) -> tuple[int, list[str]]:
    """Cut a message's attributes: how many were dropped, and the names of the values that were shortened."""
    shortened = [each.key for each in attributes if cap_value(each.value)]
    kept = [each for each in attributes if len(each.key) <= MAX_KEY_BYTES // 4 or _has_short_key(each)]
    kept = kept[:MAX_COUNT]
    dropped = len(attributes) - len(kept)
    if dropped:
        del attributes[:]
        attributes.extend(kept)
    return dropped, shortened


def _has_short_key(attribute: KeyValue) -> bool:
    return len(attribute.key.encode()) <= MAX_KEY_BYTES


def cap_value(value: AnyValue) -> bool:
    """Cut a value to MAX_VALUE_BYTES; whether it had to be."""
    match value.WhichOneof("value"):
        case "string_value" if len(value.string_value) > MAX_VALUE_BYTES // 4:
            text = cap_text(value.string_value, MAX_VALUE_BYTES)
            shortened = text != value.string_value
            value.string_value = text
            return shortened
        case "bytes_value" if len(value.bytes_value) > MAX_VALUE_BYTES:
            value.bytes_value = value.bytes_value[:MAX_VALUE_BYTES]
            return True
        case "array_value" | "kvlist_value" if value.ByteSize() > MAX_VALUE_BYTES:
            # Half a list is no list; the name says that there was one.
            value.Clear()
            return True
        case _:
            return False


def record_truncated(attributes: MutableSequence[KeyValue], names: Iterable[str]) -> None:
    """Say in the attributes themselves what was cut, after what a sender cut before us."""
    found = next((each for each in attributes if each.key == TRUNCATED), None)
    if found is None:
        found = KeyValue(key=TRUNCATED)
        attributes.append(found)
        found = attributes[-1]
    recorded = found.value.array_value.values
    known = {each.string_value for each in recorded}
    for name in sorted({cap_text(name, MAX_KEY_BYTES) for name in names} - known)[:MAX_COUNT]:
        recorded.add(string_value=name)


def cap_origin(origin: Resource | InstrumentationScope, around: Message) -> bool:
    """Cut what a resource or a scope says of itself, and the schema's URL `around` it; whether anything was."""
    dropped, names = cap_attributes(origin.attributes)
    origin.dropped_attributes_count += dropped
    if dropped:
        names.append("attributes")
    if isinstance(origin, InstrumentationScope):
        names += cap_texts(origin, MAX_KEY_BYTES, "name", "version")
    names += cap_texts(around, MAX_KEY_BYTES, "schema_url")
    if names:
        record_truncated(origin.attributes, names)
    return bool(names)
