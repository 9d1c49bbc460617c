"""What objects with slots hold, by its place: to ask for it by name takes twenty times as long."""

from cpython.object cimport PyObject

cdef extern from "structmember.h":
    pass


cdef extern from "Python.h":
    void Py_INCREF(object)
    void Py_XDECREF(PyObject *)
    ctypedef struct PyMemberDef:
        Py_ssize_t offset
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member


cdef inline Py_ssize_t offset_of(object of, str name) except -1:
    """Where an object of this type has a slot."""
    from types import MemberDescriptorType

    for each in of.__mro__:
        found = each.__dict__.get(name)
        if type(found) is MemberDescriptorType:
            return (<PyMemberDescrObject *> found).d_member.offset
    raise ImportError(f"{of.__qualname__}.{name} is no slot")


cdef inline object slot(object of, Py_ssize_t offset):
    """What is in a slot; None where nothing is."""
    cdef PyObject *found = (<PyObject **> (<char *> <PyObject *> of + offset))[0]
    return None if found is NULL else <object> found


cdef inline void put_slot(object of, Py_ssize_t offset, object value) noexcept:
    """Set what is in a slot."""
    cdef PyObject **found = <PyObject **> (<char *> <PyObject *> of + offset)
    cdef PyObject *before = found[0]
    Py_INCREF(value)
    found[0] = <PyObject *> value
    Py_XDECREF(before)
