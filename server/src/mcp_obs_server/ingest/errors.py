"""Why an export is refused, each with its HTTP status and google.rpc.Code (OTLP 1.11, "Failures").

ExportRefused
├── MalformedExport        400 INVALID_ARGUMENT
├── UnauthenticatedExport  401 UNAUTHENTICATED
├── UnknownSignal          404 NOT_FOUND
├── WrongMethod            405 UNIMPLEMENTED
├── TooSlow                408 DEADLINE_EXCEEDED
├── ExportTooLarge         413 RESOURCE_EXHAUSTED
├── UnsupportedMedia       415 INVALID_ARGUMENT
├── RateLimited            429 RESOURCE_EXHAUSTED, retryable, with Retry-After
│   └── QuotaExceeded
├── Broken                 500 INTERNAL
└── Overloaded             503 UNAVAILABLE, retryable, with Retry-After
"""

from mcp_obs_server.ingest.reason import ReasonCode, StrangerCode


class ExportRefused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """Base: the message is for the person who runs the sender."""

    status = 400
    code = 3
    reason: ReasonCode | StrangerCode = "malformed"
    retry_after_seconds: int | None = None


class MalformedExport(ExportRefused):
    """The body is not the OTLP message that it says it is."""


class UnauthenticatedExport(ExportRefused):
    """No key, or none that is valid."""

    status = 401
    code = 16
    reason = "unauthenticated"


class UnknownSignal(ExportRefused):
    """No receiver at this path."""

    status = 404
    code = 5
    reason = "unknown_signal"


class WrongMethod(ExportRefused):
    """Only POST exports."""

    status = 405
    code = 12
    reason = "wrong_method"


class TooSlow(ExportRefused):
    """The body did not come in time."""

    status = 408
    code = 4
    reason = "slow"


class ExportTooLarge(ExportRefused):
    """The body is over the limit, as sent or inflated."""

    status = 413
    code = 8
    reason = "too_large"


class UnsupportedMedia(ExportRefused):
    """A content type or encoding that no OTLP exporter has to use."""

    status = 415
    reason = "unsupported_media"


class RateLimited(ExportRefused):
    """Its key sends faster than it may."""

    status = 429
    code = 8
    reason = "rate_limited"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QuotaExceeded(RateLimited):
    """Its organisation has sent what it may today."""

    reason = "quota"


class Broken(ExportRefused):
    """A defect of ours; the log has the reason."""

    status = 500
    code = 13
    reason = "failed"

    def __init__(self) -> None:
        super().__init__("The server failed; its log has the reason.")


class Overloaded(ExportRefused):
    """Nothing more can be made durable right now."""

    status = 503
    code = 14
    reason = "overloaded"
    retry_after_seconds = 5
