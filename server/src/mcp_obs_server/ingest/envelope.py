"""The bytes in which an export waits on disk and reaches the engine: see store/otlp.proto, the messages *Envelope."""

import hashlib
from collections.abc import Iterator

DIGEST_BYTES = 16
FRAME_BYTES = 40
"""At most this many are around a body: four varints of 5 bytes, 4 tags and the digest with its length."""


def varint(number: int) -> bytes:
    """A protobuf base-128 varint."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def digest(org_id: int, server_id: int, body: bytes) -> bytes:
    """What makes two exports the same one: whose they are, and every byte of them."""
    state = hashlib.sha256(b"%d/%d/" % (org_id, server_id))
    state.update(body)
    return state.digest()[:DIGEST_BYTES]


def frame(org_id: int, server_id: int, body: bytes, body_digest: bytes) -> tuple[bytes, bytes, bytes]:
    """A length-delimited Envelope in three parts, the export's own bytes untouched in the middle.

    The digest comes last: a frame that ends with the digest of its body was written whole.
    """
    head = b"\x08" + varint(org_id) + b"\x10" + varint(server_id) + b"\x1a" + varint(len(body))
    tail = b"\x22\x10" + body_digest
    return varint(len(head) + len(body) + len(tail)) + head, body, tail


def whole_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The end offset and the digest of each whole frame in `data`, up to the first that is not."""
    position = 0
    while (parsed := _read_frame(data, position)) is not None:
        position, body_digest = parsed
        yield position, body_digest


def _read_frame(data: bytes, start: int) -> tuple[int, bytes] | None:
    try:
        length, position = _read_varint(data, start)
        end = position + length
        org_id, position = _read_varint(data, position + 1)
        server_id, position = _read_varint(data, position + 1)
        size, position = _read_varint(data, position + 1)
    except IndexError:
        return None
    body, tail = data[position : position + size], data[position + size : end]
    if len(tail) != 2 + DIGEST_BYTES or tail[2:] != digest(org_id, server_id, body):
        return None
    return end, tail[2:]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
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
