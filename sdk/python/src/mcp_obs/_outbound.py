"""What a server sends to its client: requests are operations, notifications are told by the operation under way."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from mcp_obs._guard import Guard
from mcp_obs._message import Message
from mcp_obs._operation import Operation, begin, current_operation

ResultT = TypeVar("ResultT")

_answering = Guard("reading a client's answer")
_telling = Guard("recording a notification to a client")


async def observed_request(
    describe: Callable[[], Message], send: Callable[[], Awaitable[ResultT]]
) -> ResultT:
    """Send a request, as an operation below the current one; returns and raises what `send` does."""
    operation = begin(describe)
    if operation is None:
        return await send()
    try:
        with operation.current():
            result = await send()
    except BaseException as error:
        operation.fail(error)
        raise
    with _answering:
        operation.answer(as_on_the_wire(result))
    return result


@contextmanager
def observed_notification(describe: Callable[[], Message]) -> Generator[None]:
    """Around the sending of a notification: an event of the current operation, or one of its own without."""
    own: Operation | None = None
    with _telling:
        around = current_operation()
        if around is None or not around.tell(describe):
            own = begin(describe)
    try:
        yield
    except BaseException as error:
        if own is not None:
            own.fail(error)
        raise
    if own is not None:
        own.answer(None)


def as_on_the_wire(model: Any) -> Mapping[str, Any] | None:
    """A pydantic model of mcp's as the JSON that is sent."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True) if model is not None else None
