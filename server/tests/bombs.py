"""gzip that inflates to a thousand times its size."""

import gzip
import zlib

MIB = 2**20


def zeros(mebibytes: int) -> bytes:
    """One member of so many MiB of zeros, put together from a block that stands for one of them."""
    mebibyte = bytes(MIB)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(mebibyte) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(mebibyte, checksum)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    tail = checksum.to_bytes(4, "little") + (mebibytes * MIB % 2**32).to_bytes(4, "little")
    return head + block * mebibytes + b"\x03\x00" + tail


def members(mebibytes: int) -> bytes:
    """The same as a member a MiB."""
    return gzip.compress(bytes(MIB)) * mebibytes
