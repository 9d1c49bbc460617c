"""Protobuf that is legal and that no serialiser writes: where our reader and the engine's may differ (0007)."""

from typing import Any

from hypothesis import strategies as st

from mcp_obs_server.ingest.wire import LENGTH_DELIMITED, read_varint, skip, varint

_UNKNOWN = 1000
_CONTENTS: dict[int, st.SearchStrategy[bytes]] = {
    0: st.integers(0, 2**64 - 1).map(varint) | st.just(b"\x80\x80\x00"),
    1: st.binary(min_size=8, max_size=8),
    LENGTH_DELIMITED: st.binary(max_size=4).map(lambda content: varint(len(content)) + content),
    5: st.binary(min_size=4, max_size=4),
}
_GROUP, _GROUP_END = 3, 4


def with_an_odd_field(draw: st.DrawFn, descriptor: Any, body: bytes) -> bytes:
    """A message as serialisers write it, and in it or in one of its messages a field more."""
    fields = _split(body)
    inner = {index: each for index, field in enumerate(fields) if (each := _message_in(descriptor, field))}
    if inner and draw(st.integers(0, 4)):
        index = draw(st.sampled_from(sorted(inner)))
        tag, content = _opened(fields[index])
        content = with_an_odd_field(draw, inner[index], content)
        fields[index] = varint(tag) + varint(len(content)) + content
    else:
        again = st.sampled_from(fields) if fields else st.nothing()
        fields.insert(draw(st.integers(0, len(fields))), draw(again | _odd_fields(descriptor)))
    return b"".join(fields)


@st.composite
def _odd_fields(draw: st.DrawFn, descriptor: Any) -> bytes:
    """A field of a number that is known or not, in any wire type."""
    number = draw(st.sampled_from([*descriptor.fields_by_number, _UNKNOWN]))
    wire_type = draw(st.sampled_from([*_CONTENTS, _GROUP]))
    if wire_type == _GROUP:
        return varint(number << 3 | _GROUP) + varint(number << 3 | _GROUP_END)
    return varint(number << 3 | wire_type) + draw(_CONTENTS[wire_type])


def _split(body: bytes) -> list[bytes]:
    fields: list[bytes] = []
    position = 0
    while position < len(body):
        end = skip(body, position)
        fields.append(body[position:end])
        position = end
    return fields


def _opened(field: bytes) -> tuple[int, bytes]:
    tag, position = read_varint(field, 0)
    _, position = read_varint(field, position)
    return tag, field[position:]


def _message_in(descriptor: Any, field: bytes) -> Any:
    known = descriptor.fields_by_number.get(read_varint(field, 0)[0] >> 3)
    return known and known.message_type
