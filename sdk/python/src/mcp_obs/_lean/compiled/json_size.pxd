cdef struct Looks:
    # How much may still be looked at.
    Py_ssize_t text
    int values


cdef bint is_small(object value, Looks *looks)
cdef Py_ssize_t json_size(object value, Looks *looks, int depth) except -2
