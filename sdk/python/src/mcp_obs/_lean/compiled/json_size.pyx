# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, binding=False
"""How much a value of JSON is, by looks that take few microseconds."""

from cpython.dict cimport PyDict_Next
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t

from pydantic_core import to_json


cdef extern from "Python.h":
    int PyUnicode_KIND(object)
    const void *PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    bint PyUnicode_IS_ASCII(object)
    Py_UCS4 PyUnicode_READ(int, const void *, Py_ssize_t)
    bint PyUnicode_CheckExact(object)


# A module's names are looked up in a dict each time, these are not.
cdef object _to_json = to_json


cdef bint is_small(object value, Looks *looks):
    """Whether so few values hold so little text."""
    cdef Py_ssize_t place = 0
    cdef PyObject *name
    cdef PyObject *each
    looks.values -= 1
    if looks.values < 0:
        return False
    if PyUnicode_CheckExact(value):
        looks.text -= PyUnicode_GET_LENGTH(value)
        return looks.text >= 0
    kind = type(value)
    if kind is dict:
        while PyDict_Next(value, &place, &name, &each):
            if not is_small(<object> name, looks) or not is_small(<object> each, looks):
                return False
        return True
    if kind is list:
        for member in <list> value:
            if not is_small(member, looks):
                return False
        return True
    # Of an odd type it may be anything.
    return value is None or kind is bool or kind is int or kind is float


cdef Py_ssize_t json_size(object value, Looks *looks, int depth) except -2:
    """The bytes that `to_json` writes of it, without writing them; -1 where it is large, or no plain JSON."""
    cdef Py_ssize_t size, part, place = 0
    cdef PyObject *name
    cdef PyObject *each
    cdef int overflow = 0
    cdef int64_t number
    looks.values -= 1
    if looks.values < 0 or depth < 0:
        return -1
    if PyUnicode_CheckExact(value):
        return _text_size(<str> value, looks)
    if value is None or value is True:
        return 4
    if value is False:
        return 5
    kind = type(value)
    if kind is dict:
        size = 1 if <dict> value else 2
        # Only to_json runs meanwhile, of numbers: no code of a host's that could change it.
        while PyDict_Next(value, &place, &name, &each):
            if not PyUnicode_CheckExact(<object> name):
                return -1
            part = _text_size(<str> name, looks)
            if part < 0:
                return -1
            size += part + 2
            member = <object> each
            part = json_size(member, looks, depth - 1)
            if part < 0:
                return -1
            size += part
        return size
    if kind is list:
        size = 1 if <list> value else 2
        for member in <list> value:
            part = json_size(member, looks, depth - 1)
            if part < 0:
                return -1
            size += part + 1
        return size
    if kind is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if not overflow:
            return _digits(number)
    elif kind is not float:
        return -1
    return len(<bytes> _to_json(value))


cdef Py_ssize_t _text_size(str value, Looks *looks) except -2:
    """With its quotes; -1 for what UTF-8 does not have, or is much."""
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(value), size = length + 2, place, escaped = 0
    cdef int kind = PyUnicode_KIND(value)
    cdef const void *data = PyUnicode_DATA(value)
    cdef const unsigned char *ascii
    cdef Py_UCS4 each
    looks.text -= length
    if looks.text < 0:
        return -1
    if PyUnicode_IS_ASCII(value):
        # Most have nothing to escape, which takes a tenth to find out.
        ascii = <const unsigned char *> data
        for place in range(length):
            escaped += (ascii[place] < 0x20) | (ascii[place] == 0x22) | (ascii[place] == 0x5C)
        if not escaped:
            return size
    for place in range(length):
        each = PyUnicode_READ(kind, data, place)
        if each < 0x20:
            # \b, \t, \n, \f and \r, or \u and four digits.
            size += 1 if 8 <= each <= 13 and each != 11 else 5
        elif each < 0x80:
            size += each == 0x22 or each == 0x5C
        elif each < 0x800:
            size += 1
        elif 0xD800 <= each < 0xE000:
            return -1
        else:
            size += 2 if each < 0x10000 else 3
    return size


cdef Py_ssize_t _digits(int64_t number) noexcept:
    cdef uint64_t left = <uint64_t> number
    cdef Py_ssize_t size = 1
    if number < 0:
        left = 0 - left
        size = 2
    while left > 9:
        left //= 10
        size += 1
    return size
