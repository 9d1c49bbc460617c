"""The bytes in which an export waits on disk and reaches the engine: see store/otlp.proto, the messages *Envelope."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_obs_server.ingest.signal import ANY_TIME, Window
from mcp_obs_server.ingest.wire import read_varint, varint

DIGEST_BYTES = 16
FRAME_BYTES = 82
"""At most this many are around a body: 4 varints of 5 bytes, 8 tags, window, CRC, and two digests with their length."""
# Fields 5 and 6, each a tag and a fixed64, and 7, their CRC: the digest is of what a repeat has in common.
_WINDOW = struct.Struct("<BQBQ")
_CHECK = struct.Struct("<BI")
# Fields 8 and 4; the engine's reader skips both.
_SENT_DIGEST = b"\x42" + varint(DIGEST_BYTES)
_LAST_DIGEST = b"\x22" + varint(DIGEST_BYTES)
_DIGEST_FIELD_BYTES = len(_LAST_DIGEST) + DIGEST_BYTES


def digest(org_id: int, server_id: int, *parts: bytes) -> bytes:
    """What makes two exports the same one: whose they are, and every byte of them."""
    state = hashlib.sha256(b"%d/%d/" % (org_id, server_id))
    for part in parts:
        state.update(part)
    return state.digest()[:DIGEST_BYTES]


def frame(
    org_id: int,
    server_id: int,
    body: bytes,
    sent_digest: bytes,
    window: Window = ANY_TIME,
    *,
    is_as_sent: bool = True,
) -> tuple[bytes, bytes, bytes]:
    """A length-delimited Envelope in three parts, the body's own bytes untouched in the middle.

    A digest comes last: a frame that ends with the digest of its body was written whole. When the body is as it was
    sent, that is the `sent_digest`; otherwise both are there, and the last one is of the other too.
    """
    head = (
        b"\x08" + varint(org_id) + b"\x10" + varint(server_id) + _packed(window) + b"\x1a" + varint(len(body))
    )
    if is_as_sent:
        tail = _LAST_DIGEST + sent_digest
    else:
        last_digest = digest(org_id, server_id, body, sent_digest)
        tail = _SENT_DIGEST + sent_digest + _LAST_DIGEST + last_digest
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
    """Of what was sent."""
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
    sent_digest = b""
    if tail.startswith(_SENT_DIGEST):
        sent_digest, tail = tail[len(_SENT_DIGEST) : _DIGEST_FIELD_BYTES], tail[_DIGEST_FIELD_BYTES:]
    last_digest = digest(org_id, server_id, body, sent_digest)
    if tail != _LAST_DIGEST + last_digest:
        return None
    if not data.startswith(_packed(window), packed):
        return None
    return Frame(org_id, server_id, window, body, sent_digest or last_digest, end)
