"""The bytes of OTLP (trace.proto): each puts a part at a place that has room for it, and returns what comes after it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.string cimport memcpy


cdef extern from "Python.h":
    const void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    unsigned long long PyLong_AsUnsignedLongLongMask(object) except? -1


cdef inline unsigned char *put_bytes(unsigned char *to, bytes part) noexcept:
    cdef Py_ssize_t length = PyBytes_GET_SIZE(part)
    memcpy(to, PyBytes_AS_STRING(part), length)
    return to + length


cdef inline unsigned char *put_varint(unsigned char *to, uint64_t number) noexcept:
    while number > 127:
        to[0] = <unsigned char> (number & 127 | 128)
        to += 1
        number >>= 7
    to[0] = <unsigned char> number
    return to + 1


cdef inline unsigned char *put_number(unsigned char *to, bytes name, uint64_t number) noexcept:
    """An attribute (trace.proto, Span.attributes) that is an int64."""
    cdef unsigned char digits[10]
    cdef Py_ssize_t length = put_varint(digits, number) - digits
    to[0] = 0x4A
    to[1] = <unsigned char> (PyBytes_GET_SIZE(name) + length + 3)
    to = put_bytes(to + 2, name)
    to[0], to[1], to[2] = 0x12, <unsigned char> (length + 1), 0x18
    memcpy(to + 3, digits, length)
    return to + 3 + length


cdef inline unsigned char *put_text(unsigned char *to, bytes name, object text) noexcept:
    """One that is a short text."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text)
    to[0] = 0x4A
    to[1] = <unsigned char> (PyBytes_GET_SIZE(name) + length + 4)
    to = put_bytes(to + 2, name)
    to[0], to[1], to[2], to[3] = 0x12, <unsigned char> (length + 2), 0x0A, <unsigned char> length
    memcpy(to + 4, PyUnicode_DATA(text), length)
    return to + 4 + length


cdef inline unsigned char *put_big_endian(unsigned char *to, uint64_t number) noexcept:
    cdef int place
    for place in range(8):
        to[place] = <unsigned char> (number >> 56 - 8 * place & 255)
    return to + 8


cdef inline unsigned char *put_little_endian(unsigned char *to, uint64_t number) noexcept:
    cdef int place
    for place in range(8):
        to[place] = <unsigned char> (number >> 8 * place & 255)
    return to + 8


cdef inline unsigned char *put_ids(unsigned char *to, tuple ids, start_time, end_time) except NULL:
    """Ids, times and flags of a span without a parent (trace.proto, Span)."""
    to[0], to[1] = 0x0A, 16
    to = put_big_endian(to + 2, PyLong_AsUnsignedLongLongMask(ids[0] >> 64))
    to = put_big_endian(to, PyLong_AsUnsignedLongLongMask(ids[0]))
    to[0], to[1] = 0x12, 8
    to = put_big_endian(to + 2, PyLong_AsUnsignedLongLongMask(ids[1]))
    to[0] = 0x39
    to = put_little_endian(to + 1, PyLong_AsUnsignedLongLongMask(start_time))
    to[0] = 0x41
    to = put_little_endian(to + 1, PyLong_AsUnsignedLongLongMask(end_time))
    # SpanFlags: that it has no remote parent is known.
    to[0], to[1], to[2], to[3], to[4], to[5] = 0x85, 1, 0, 1, 0, 0
    return to + 6
