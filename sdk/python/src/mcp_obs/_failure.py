"""The exception behind a failed operation, as an event."""

from typing import Any, NamedTuple

from opentelemetry.trace import Span, StatusCode

from mcp_obs._text import carried

# More than is carried: what is a secret may be told by what follows.
_LONGEST_MESSAGE = 2**13
_LIBRARIES = ("mcp.", "fastmcp.")
_WRAPPERS = frozenset(
    {
        "ToolError",
        "UnexpectedToolError",
        "ResourceError",
        "UnexpectedResourceError",
        "PromptError",
        "ValidationError",
    }
)


class Failure(NamedTuple):
    """An exception's type and message; its traceback stays out because it can hold a user's data."""

    type: str
    message: str

    def event_attributes(self) -> dict[str, str]:
        """The attributes of the `exception` event."""
        return {"exception.type": self.type, "exception.message": carried(self.message)}

    def mark(self, span: Span) -> None:
        """Say on a span that this has failed it."""
        span.add_event("exception", self.event_attributes())
        span.set_status(StatusCode.ERROR, self.message)


def failure_of(error: BaseException) -> Failure:
    """What `error` says, or what the library wrapped in it."""
    while _is_wrapper(error) and error.__cause__ is not None:
        error = error.__cause__
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Failure(name, _message(error)[:_LONGEST_MESSAGE])


def _is_wrapper(error: BaseException) -> bool:
    kind = type(error)
    return kind.__name__ in _WRAPPERS and kind.__module__.startswith(_LIBRARIES)


def _message(error: BaseException) -> str:
    # Validators quote the rejected values, which are the caller's data: name the places and the rules instead.
    validator = type(error).__module__.partition(".")[0]
    rejected: Any = error
    if validator.startswith("pydantic") and hasattr(error, "errors"):
        details: Any = rejected.errors()  # pydantic.v1's takes no arguments
        return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['type']}" for one in details)
    if validator == "jsonschema" and hasattr(error, "json_path"):
        return f"{rejected.json_path}: {rejected.validator}"
    return said_by(error)


def said_by(error: BaseException) -> str:
    """The exception's own text; some can't say it."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  anything can come out of a user's __str__
        return ""
