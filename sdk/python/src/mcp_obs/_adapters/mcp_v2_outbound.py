"""mcp 2.x: what a server sends to its client, by the session that every handler gets."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial, wraps
from typing import Any

from mcp.server.connection import NotifyOnlyOutbound
from mcp.shared import jsonrpc_dispatcher
from mcp.shared.subscriptions import LISTEN_STREAM_METHODS
from opentelemetry.trace import INVALID_SPAN

from mcp_obs._adapters import findings
from mcp_obs._guard import Guard
from mcp_obs._http import HttpOrigin
from mcp_obs._message import Message
from mcp_obs._operation import current_operation
from mcp_obs._outbound import as_on_the_wire, observed_notification, observed_request

_MARK = "_mcp_obs_gives_way"
_OBSERVED = "_mcp_obs_observes"
_ORIGIN = "_mcp_obs_origin"
# Where the library keeps whether the client wants to hear of progress, by the kind of its channel.
_PROGRESS = ("_progress_token", "progress_token", "_on_progress")

_kinds: dict[type[Any], type[Any]] = {}
"""The library's classes of sessions, each with the class that observes."""

_asking = Guard("asking whether a client gets a notification")


def observe(session: Any, origin: HttpOrigin | None) -> None:
    """Observe what is sent by the session of one inbound message, which came from there."""
    # Not the request: only the garbage collector frees the library's session, which would hold all of it till then.
    setattr(session, _ORIGIN, origin)
    kind: type[Any] = session.__class__
    observed = _kinds.get(kind)
    if observed is None:
        # Somebody's middleware before ours may try a message again, or derive a class from one of ours.
        if hasattr(kind, _OBSERVED):
            return
        _kinds[kind] = observed = _observed(kind)
    session.__class__ = observed


def _observed(kind: type[Any]) -> type[Any]:
    """The library's class of a session, with requests as operations and notifications as events of them."""
    for name in ("send_request", "_notify", "report_progress"):
        if not hasattr(kind, name):
            findings.report("mcp", f"ServerSession.{name}", "what is sent to the client is not recorded")
            return kind

    class ObservedSession(kind):
        async def send_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            return await observed_request(
                lambda: _message(self, request.method, as_on_the_wire(request.params)),
                lambda: kind.send_request(self, request, *args, **kwargs),
            )

        async def _notify(self, notification: Any, *, request_scoped: bool) -> None:
            send = partial(kind._notify, self, notification, request_scoped=request_scoped)
            if not _is_so(lambda: _delivers(self, notification.method, request_scoped)):
                await send()
                return
            with observed_notification(
                lambda: _message(self, notification.method, as_on_the_wire(notification.params))
            ):
                await send()

        async def report_progress(self, *args: Any, **kwargs: Any) -> None:
            if not _is_so(lambda: _tells_progress(_innermost(self))):
                await kind.report_progress(self, *args, **kwargs)
                return
            with observed_notification(lambda: _message(self, "notifications/progress", None)):
                await kind.report_progress(self, *args, **kwargs)

    setattr(ObservedSession, _OBSERVED, True)
    return ObservedSession


def give_way() -> None:
    """Leave the library's own span of a request out where there is one of ours, which learns its id."""
    native = getattr(jsonrpc_dispatcher, "otel_span", None)
    if native is None:
        findings.report(
            "mcp",
            "jsonrpc_dispatcher.otel_span",
            "requests to the client have no id, and perhaps a second span, mcp's own",
        )
        return
    if hasattr(native, _MARK):
        return

    @wraps(native)
    def span(*args: Any, **kwargs: Any) -> Any:
        operation = current_operation()
        request_id = kwargs.get("attributes", {}).get("jsonrpc.request.id")
        if operation is not None and request_id is not None and operation.sent_as(request_id):
            return nullcontext(INVALID_SPAN)
        return native(*args, **kwargs)

    setattr(span, _MARK, True)
    jsonrpc_dispatcher.otel_span = span  # pyright: ignore[reportPrivateImportUsage]


def _message(session: Any, method: str, params: Any) -> Message:
    origin = getattr(session, _ORIGIN)
    return Message(
        method, params, None, session.protocol_version, None, None, is_outbound=True, known_origin=origin
    )


def _is_so(ask: Callable[[], bool]) -> bool:
    """What the library's inner parts say of a notification; where they are not as they were, that it is sent."""
    try:
        return ask()
    except AttributeError as error:
        findings.report(
            "mcp",
            f"{error.name or 'channel'} below ServerSession",
            "notifications that a client does not get are recorded as if it did",
        )
    except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
        _asking.swallow(error)
    return True


def _delivers(session: Any, method: str, request_scoped: bool) -> bool:
    """Whether a notification is sent at all: a connection without a channel drops it in silence."""
    if request_scoped:
        return not _drops(_innermost(session))
    connection = session._connection
    is_for_listeners = isinstance(connection.outbound, NotifyOnlyOutbound) and method in LISTEN_STREAM_METHODS
    return connection.has_standalone_channel and not is_for_listeners


def _tells_progress(channel: Any) -> bool:
    """Whether a report of progress is sent: only to a client that wants to hear of it."""
    told = [getattr(channel, name) for name in _PROGRESS if hasattr(channel, name)]
    if not told:
        raise AttributeError(name=_PROGRESS[0])
    return any(each is not None for each in told) and not _drops(channel)


def _innermost(session: Any) -> Any:
    channel = session._request_outbound
    return getattr(channel, "_inner", channel)


def _drops(channel: Any) -> bool:
    """On 2026-07-28 in JSON mode there is no stream to put a notification on."""
    return getattr(channel, "sink", channel) is None
