"""How an operation ended, by the error rules of the semantic conventions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mcp_obs import semconv
from mcp_obs._failure import said_by
from mcp_obs.semconv import Outcome


class Ending(NamedTuple):
    """The outcome, and what a failure is called; `status_code` is JSON-RPC's, as text."""

    outcome: Outcome
    error_type: str | None = None
    status_code: str | None = None
    description: str | None = None

    def attributes(self) -> dict[str, Any]:
        """What is said of it beside its description."""
        said: dict[str, Any] = {semconv.MCP_OBS_OPERATION_OUTCOME: self.outcome}
        if self.error_type is not None:
            said[semconv.ERROR_TYPE] = self.error_type
        if self.status_code is not None:
            said[semconv.RPC_RESPONSE_STATUS_CODE] = self.status_code
        return said


OK = Ending("ok")
CANCELLED = Ending("cancelled")
INPUT_REQUIRED = Ending("input_required")
TOOL_ERROR = Ending("error", semconv.ERROR_TYPE_TOOL_ERROR)


def of_result(method: str, result: Mapping[str, Any]) -> Ending:
    """The ending of a request that was answered with a result, as on the wire."""
    if method == "tools/call" and result.get("isError") is True:
        return TOOL_ERROR
    if result.get("resultType") == semconv.OUTCOME_INPUT_REQUIRED:
        return INPUT_REQUIRED
    return OK


def of_code(code: int, message: str) -> Ending:
    """The ending of a request that was answered with a JSON-RPC error."""
    if code in semconv.CLIENT_FAULT_CODES:
        return Ending("ok", status_code=str(code))
    return Ending("error", str(code), str(code), message)


def of_exception(error: BaseException) -> Ending:
    """The ending of an operation that got no answer, because of `error`."""
    if type(error).__name__ in {"CancelledError", "Cancelled"}:  # asyncio's and trio's
        return CANCELLED
    return Ending("error", type(error).__qualname__, description=said_by(error))


def of_unanswered(error: BaseException) -> Ending:
    """The ending of a request to a client that got no result, because of `error`, which may be the client's own."""
    if isinstance(error.__context__, TimeoutError) or isinstance(error, TimeoutError):
        return Ending("error", semconv.ERROR_TYPE_TIMEOUT, description=said_by(error))
    code = getattr(getattr(error, "error", None), "code", None)
    # What could not be sent has a code of the library's in place of the client's.
    if type(code) is int and type(error).__name__ in {"MCPError", "McpError"}:
        return Ending("error", str(code), str(code), said_by(error))
    return of_exception(error)
