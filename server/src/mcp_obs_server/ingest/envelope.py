"""The bytes in which an export waits on disk and reaches the engine: see store/otlp.proto, the messages *Envelope."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_obs_server.ingest.signal import ANY_TIME, Window
from mcp_obs_server.ingest.wire import read_varint, varint

DIGEST_BYTES = 16
FRAME_BYTES = 64
"""At most this many are around a body: 4 varints of 5 bytes, 7 tags, window, CRC, and the digest with its length."""
# Fields 5 and 6, each a tag and a fixed64, and 7, their CRC: the digest is of what a repeat has in common.
_WINDOW = struct.Struct("<BQBQ")
_CHECK = struct.Struct("<BI")


def digest(org_id: int, server_id: int, body: bytes) -> bytes:
    """What makes two exports the same one: whose they are, and every byte of them."""
    state = hashlib.sha256(b"%d/%d/" % (org_id, server_id))
    state.update(body)
    return state.digest()[:DIGEST_BYTES]


def frame(
    org_id: int, server_id: int, body: bytes, body_digest: bytes, window: Window = ANY_TIME
) -> tuple[bytes, bytes, bytes]:
    """A length-delimited Envelope in three parts, the export's own bytes untouched in the middle.

    The digest comes last: a frame that ends with the digest of its body was written whole.
    """
    head = (
        b"\x08" + varint(org_id) + b"\x10" + varint(server_id) + _packed(window) + b"\x1a" + varint(len(body))
    )
    tail = b"\x22\x10" + body_digest
    return varint(len(head) + len(body) + len(tail)) + head, body, tail


def _packed(window: Window) -> bytes:
    times = _WINDOW.pack(0x29, window.oldest, 0x31, window.newest)
    return times + _CHECK.pack(0x3D, zlib.crc32(times))


@dataclass(frozen=True)
class Frame:
    """An Envelope as `frame` made it, and where it ends in the data that it was read from."""

    org_id: int
    server_id: int
    window: Window
    body: bytes
    digest: bytes
    end: int


def whole_frames(data: bytes) -> Iterator[Frame]:
    """Each whole frame in `data`, up to the first that is not."""
    position = 0
    while (found := _read_frame(data, position)) is not None:
        position = found.end
        yield found


def _read_frame(data: bytes, start: int) -> Frame | None:
    try:
        length, position = read_varint(data, start)
        end = position + length
        org_id, position = read_varint(data, position + 1)
        server_id, position = read_varint(data, position + 1)
        _, oldest, _, newest = _WINDOW.unpack_from(data, position)
        packed, position = position, position + _WINDOW.size + _CHECK.size
        window = Window(oldest, newest)
        size, position = read_varint(data, position + 1)
    except (IndexError, struct.error):
        return None
    body, tail = data[position : position + size], data[position + size : end]
    if len(tail) != 2 + DIGEST_BYTES or tail[2:] != digest(org_id, server_id, body):
        return None
    if not data.startswith(_packed(window), packed):
        return None
    return Frame(org_id, server_id, window, body, tail[2:], end)
