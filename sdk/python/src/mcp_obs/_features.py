"""What features around an MCP server record with: sign-in, support, and whatever else a host adds."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode

from mcp_obs import _telemetry, semconv
from mcp_obs._guard import Guard

_recording = Guard("recording a step of a feature")


@dataclass
class Step:
    """A step under way: `span` is None when telemetry is off."""

    span: Span | None
    error_type: str | None = None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Say more about it."""
        if self.span is not None:
            with _recording:
                self.span.set_attributes(attributes)

    def refuse(self, error_type: str) -> None:
        """It failed, and nothing was raised: `error_type` is of low cardinality, as `invalid_token`."""
        self.error_type = error_type
        if self.span is not None:
            with _recording:
                self.span.set_status(StatusCode.ERROR)

    def identify(self, user_id: str, scopes: tuple[str, ...] = ()) -> None:
        """Who it is about; hashed where the ids of users are."""
        with _recording:
            telemetry = _telemetry.current()
            if telemetry is not None:
                self.set_attributes(telemetry.details.users.named(user_id, scopes))


@dataclass(frozen=True)
class TelemetryAdapter:
    """Spans, counts and errors, by whatever configure_mcp_telemetry has settled on at that time.

    Nothing here raises, blocks or slows its caller; what the caller's own block raises passes through.
    """

    @contextmanager
    def step(self, feature: str, name: str, attributes: Mapping[str, Any] | None = None) -> Generator[Step]:
        """A step of a feature, as `oauth` and `sign_in`: a span `oauth.sign_in` inside the current one, and a count.

        An exception becomes the span's error, as a type and a message without its traceback.
        """
        span = _started(feature, name, attributes)
        step = Step(span)
        try:
            if span is None:
                yield step
            else:
                with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                    yield step
        except Exception as error:
            with _recording:
                _fail(step, error)
            raise
        finally:
            with _recording:
                _end(step, feature, name)

    def error(self, error: BaseException) -> None:
        """An exception that a feature has dealt with, as an event of the current span."""
        with _recording:
            telemetry = _telemetry.current()
            if telemetry is not None:
                failure = telemetry.details.failure(error)
                trace.get_current_span().add_event("exception", failure.event_attributes())

    def identify(self, user_id: str, scopes: tuple[str, ...] = ()) -> None:
        """Who the current operation is for, where the request's token does not say it."""
        Step(trace.get_current_span()).identify(user_id, scopes)


def _started(feature: str, name: str, attributes: Mapping[str, Any] | None) -> Span | None:
    with _recording:
        telemetry = _telemetry.current()
        if telemetry is not None:
            said = {semconv.MCP_OBS_FEATURE_NAME: feature, semconv.MCP_OBS_FEATURE_STEP: name}
            return telemetry.tracer.start_span(f"{feature}.{name}", attributes={**(attributes or {}), **said})
    return None


def _fail(step: Step, error: Exception) -> None:
    telemetry = _telemetry.current()
    if step.span is not None and telemetry is not None:
        failure = telemetry.details.failure(error)
        step.error_type = failure.type
        failure.mark(step.span)


def _end(step: Step, feature: str, name: str) -> None:
    telemetry = _telemetry.current()
    if step.span is None or telemetry is None:
        return
    counted = {semconv.MCP_OBS_FEATURE_NAME: feature, semconv.MCP_OBS_FEATURE_STEP: name}
    if step.error_type is not None:
        step.span.set_attribute(semconv.ERROR_TYPE, step.error_type)
        counted[semconv.ERROR_TYPE] = step.error_type
    step.span.end()
    telemetry.metrics.record(semconv.MCP_OBS_FEATURE_STEPS, 1, counted)
