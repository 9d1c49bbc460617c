"""Protobuf's wire format, as far as lengths have to be known without a parse."""

VARINT = 0
LENGTH_DELIMITED = 2
_FIXED_BYTES = {1: 8, 5: 4}


def varint(number: int) -> bytes:
    """A base-128 varint."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at `position` and where it ends. Raises IndexError."""
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return number, position
        shift += 7
        if shift > 63:
            raise IndexError


def submessages(data: bytes, span: tuple[int, int], field: int) -> list[tuple[int, int]]:
    """Where each `field` of the message at `span` starts and ends.

    Raises ValueError at a group or a tag of several bytes, which may hide any field, and IndexError at the end.
    0.2 µs each: a tag and a length of one or two bytes, the usual ones, are read in place.
    """
    position, end = span
    tag_byte = field << 3 | LENGTH_DELIMITED
    found: list[tuple[int, int]] = []
    while position < end:
        tag, size, position = data[position], data[position + 1], position + 1
        if tag != tag_byte:
            position = _skip_short_tag(data, position - 1)
            continue
        if size < 128:
            position += 1
        elif (more := data[position + 1]) < 128:
            size, position = size & 127 | more << 7, position + 2
        else:
            size, position = read_varint(data, position)
        found.append((position, position + size))
        position += size
    return found


def has_field_over(limit: int, data: bytes, span: tuple[int, int], singular: int) -> bool:
    """Whether a text, bytes or a message right in the message at `span` is longer than `limit`.

    Of the `singular` field, whose occurrences a parser merges, all count together. Raises as `submessages` does, and
    takes as long.
    """
    position, end = span
    singular_tag, singular_size = singular << 3 | LENGTH_DELIMITED, 0
    while position < end:
        tag, size = data[position], data[position + 1]
        if tag > 127 or tag & 7 != LENGTH_DELIMITED:
            position = _skip_short_tag(data, position)
            continue
        position += 2
        if size > 127 and (more := data[position]) < 128:
            size, position = size & 127 | more << 7, position + 1
        elif size > 127:
            size, position = read_varint(data, position - 1)
        if tag == singular_tag:
            singular_size += size
        if size > limit or singular_size > limit:
            return True
        position += size
    return False


def _skip_short_tag(data: bytes, position: int) -> int:
    if data[position] > 127:
        raise ValueError(data[position])
    return skip(data, position)


def skip(data: bytes, position: int) -> int:
    """Where the field at `position` ends. Raises ValueError at a group, IndexError at the end."""
    tag, position = read_varint(data, position)
    match tag & 7:
        case 0:
            return read_varint(data, position)[1]
        case 2:
            size, position = read_varint(data, position)
            return position + size
        case 1 | 5 as fixed:
            return position + _FIXED_BYTES[fixed]
        case _:
            # No OTLP message has groups.
            raise ValueError(tag)
