"""How many messages an export has, counted before each of them takes memory and time.

An empty message is two bytes of protobuf and in memory up to 190: 64 MiB of them, 64 KiB of gzip, took 6.4 GB and
170 s.
"""

from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from mcp_obs_server.ingest.errors import ExportTooLarge, MalformedExport
from mcp_obs_server.ingest.wire import LENGTH_DELIMITED, VARINT, read_varint, skip

MAX_MESSAGES = 2**20
"""Messages in one export when they are empty. What is in them counts too: some 45,000 spans with 8 attributes each."""
UNCOUNTED_BYTES = MAX_MESSAGES * 2
"""What is no longer than this can't have more."""
MAX_JSON_VALUES = 2**21
MIN_BYTES = 16
"""What resources, scopes and items have to be long on average; no data point that can be kept with a value has less."""
FEW = 10_000
"""So many may be shorter."""

# To look at a field takes 0.2 µs; a message takes memory beside that, and so do two numbers of a packed list.
_WEIGHT = 4
# Resources in a request, scopes in a resource, items in a scope: the same for every signal.
_PATH = (1, 2, 2)
_PACKED_VARINTS = frozenset(
    {
        FieldDescriptor.TYPE_BOOL,
        FieldDescriptor.TYPE_ENUM,
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
    }
)


class _Table(dict[int, "_Table"]):
    """What a message has inside, by tag: the tables of other messages, and _NUMBERS for numbers in a row."""


_NUMBERS = _Table()
_TABLES: dict[str, _Table] = {}


def check_protobuf(body: bytes, message: Message) -> None:
    """Look through the bytes of a `message`. Raises ExportTooLarge, and MalformedExport when a field has no end."""
    if len(body) <= UNCOUNTED_BYTES:
        return
    try:
        room = _room_left(body, _table(message.DESCRIPTOR))
    except (IndexError, ValueError):
        raise MalformedExport("The body is not protobuf: a field in it has no end.") from None
    if room < 0:
        raise ExportTooLarge("The export has too many messages and fields: send smaller batches.")


def check_json(body: bytes) -> None:
    """Raises ExportTooLarge. A value is the body, or it follows one of these; in text they count too."""
    if len(body) > MAX_JSON_VALUES and sum(map(body.count, (b"{", b"[", b","))) > MAX_JSON_VALUES:
        raise ExportTooLarge(f"The export has over {MAX_JSON_VALUES} values: send smaller batches.")


def check_items(request: Message, size: int) -> None:
    """Look at a request of `size` bytes before each thing in it costs 4 µs. Raises ExportTooLarge."""
    if size <= FEW * 2:
        # The shortest thing has two bytes.
        return
    level: Iterable[Message] = (request,)
    count = 0
    for name in _names(type(request)):
        children = [getattr(each, name) for each in level]
        count += sum(map(len, children))
        check_average(count, size)
        level = chain.from_iterable(children)


@cache
def _names(request_type: type[Message]) -> list[str]:
    names: list[str] = []
    descriptor: Any = request_type.DESCRIPTOR
    for number in _PATH:
        field = descriptor.fields_by_number[number]
        names.append(field.name)
        descriptor = field.message_type
    return names


def check_average(count: int, size: int) -> None:
    """Raises ExportTooLarge when so many things in so many bytes have nothing in them."""
    if count > max(FEW, size // MIN_BYTES):
        raise ExportTooLarge(f"The export has {count} items in {size} bytes: send none that are empty.")


def _room_left(body: bytes, table: _Table) -> int:
    """How much more there might be; below 0 it stops. One function, as calls would cost more than the work."""
    position, end, room = 0, len(body), MAX_MESSAGES * _WEIGHT
    outer: list[tuple[int, _Table]] = []
    while room >= 0 and (position < end or outer):
        if position == end:
            end, table = outer.pop()
            continue
        room -= 1
        start, tag, position = position, body[position], position + 1
        if tag > 127:
            tag, position = read_varint(body, start)
        if tag & 7 == LENGTH_DELIMITED:
            inner, size, position = table.get(tag), body[position], position + 1
            if size > 127:
                size, position = read_varint(body, position - 1)
            stop = position + size
        elif tag & 7 == VARINT and body[position] < 128:
            inner, stop = None, position + 1
        else:
            inner, stop = None, skip(body, start)
        if stop > end:
            raise ValueError(tag)
        if inner is None or inner is _NUMBERS:
            room -= (stop - position) // 2 if inner is _NUMBERS else 0
            position = stop
        else:
            room -= _WEIGHT - 1
            outer.append((end, table))
            end, table = stop, inner
    return room


def _table(descriptor: Any) -> _Table:
    if descriptor.full_name not in _TABLES:
        table = _TABLES[descriptor.full_name] = _Table()
        for field in descriptor.fields:
            tag = field.number << 3 | LENGTH_DELIMITED
            if field.message_type:
                table[tag] = _table(field.message_type)
            elif field.is_repeated and field.type in _PACKED_VARINTS:
                table[tag] = _NUMBERS
    return _TABLES[descriptor.full_name]
