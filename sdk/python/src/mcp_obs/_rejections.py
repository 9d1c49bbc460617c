"""HTTP requests that were turned away before any MCP message of theirs was handled."""

import json

from mcp_obs import _telemetry, semconv
from mcp_obs._message import mapping_or_empty

# JSON-RPC says more than its HTTP status, which is 400 for all of these.
_BY_CODE = {
    -32700: semconv.REJECTION_REASON_PARSE_ERROR,
    -32600: semconv.REJECTION_REASON_INVALID_REQUEST,
    -32602: semconv.REJECTION_REASON_INVALID_PARAMS,
    -32020: semconv.REJECTION_REASON_HEADER_MISMATCH,
    -32021: semconv.REJECTION_REASON_MISSING_CAPABILITY,
    -32022: semconv.REJECTION_REASON_UNSUPPORTED_PROTOCOL_VERSION,
}
_BY_STATUS = {
    401: semconv.REJECTION_REASON_UNAUTHORIZED,
    403: semconv.REJECTION_REASON_FORBIDDEN,
    404: semconv.REJECTION_REASON_NOT_FOUND,
    405: semconv.REJECTION_REASON_METHOD_NOT_ALLOWED,
    406: semconv.REJECTION_REASON_NOT_ACCEPTABLE,
    413: semconv.REJECTION_REASON_TOO_LARGE,
    415: semconv.REJECTION_REASON_UNSUPPORTED_MEDIA_TYPE,
    421: semconv.REJECTION_REASON_FORBIDDEN_HOST,
    429: semconv.REJECTION_REASON_TOO_MANY_REQUESTS,
}
# RFC 9110 and 5789; clients may send any other.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def count_rejection(method: str, status: int, body: bytes) -> None:
    """Count one; `body` is the answer's, or empty."""
    telemetry = _telemetry.current()
    if telemetry is not None:
        attributes: dict[str, str | int] = {
            semconv.MCP_OBS_REJECTION_REASON: reason_of(status, body),
            semconv.HTTP_RESPONSE_STATUS_CODE: status,
            semconv.HTTP_REQUEST_METHOD: method if method in _METHODS else "_OTHER",
        }
        telemetry.metrics.record(semconv.MCP_OBS_HTTP_REJECTIONS, 1, attributes)


def reason_of(status: int, body: bytes) -> str:
    """Why a request was answered with an error status."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return semconv.REJECTION_REASON_SERVER_ERROR
    return _BY_CODE.get(_code(body) or 0, semconv.REJECTION_REASON_BAD_REQUEST)


def _code(body: bytes) -> int | None:
    """The JSON-RPC error code of an answer."""
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = mapping_or_empty(mapping_or_empty(answer).get("error")).get("code")
    return code if type(code) is int else None
