"""Every error that this server answers on purpose.

ServerError
├── InvalidError           the request can't be understood or breaks a rule
├── UnauthenticatedError   nobody, or nobody we know, is asking
├── ForbiddenError         known, but not allowed
│   └── CrossOriginError   a browser sent it from a page that isn't ours
├── NotFoundError          not there, or another organisation's
└── ConflictError          it clashes with what is already there

A feature may add leaves. `code` is stable and for programs, the message is a sentence for people.
The HTTP status belongs to the edge: `http_errors.py`.
"""

from typing import ClassVar

__all__ = [
    "ConflictError",
    "CrossOriginError",
    "ForbiddenError",
    "InvalidError",
    "NotFoundError",
    "ServerError",
    "UnauthenticatedError",
]


class ServerError(Exception):
    """An expected failure: `str(error)` is one sentence that says what to do."""

    code: ClassVar[str]


class InvalidError(ServerError):
    """The request can't be understood or breaks a rule."""

    code = "invalid"


class UnauthenticatedError(ServerError):
    """No valid credential came with the request; never says which part was wrong."""

    code = "unauthenticated"


class ForbiddenError(ServerError):
    """The caller is known and may not do this."""

    code = "forbidden"


class CrossOriginError(ForbiddenError):
    """A browser says that another site's page sent this request with our cookie."""

    code = "cross_origin"


class NotFoundError(ServerError):
    """It doesn't exist for this caller; another organisation's things look the same."""

    code = "not_found"


class ConflictError(ServerError):
    """It clashes with something that already exists."""

    code = "conflict"
