"""Which session an operation belongs to, and how sure that is."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context

from mcp_obs import semconv
from mcp_obs._forked_child import new_lock
from mcp_obs._lean.random_ids import new_trace_id
from mcp_obs._message import Message
from mcp_obs._text import carried

CONVERSATION = "gen_ai.conversation.id"
# The idle time after which web analytics begin another visit.
IDLE_NANOSECONDS = 30 * 60 * 10**9
MOST_GUESSES = 4096

_BAGGAGE = W3CBaggagePropagator()


class Session(NamedTuple):
    """An id and where it comes from."""

    id: str
    source: semconv.SessionSource

    def attributes(self) -> dict[str, Any]:
        """The attributes of an operation in it."""
        return {
            semconv.MCP_OBS_SESSION_ID: carried(self.id),
            semconv.MCP_OBS_SESSION_SOURCE: self.source,
        }


class Sessions:
    """Finds the session of each operation, the surest way first; for any thread."""

    def __init__(self, new_id: Callable[[], str] | None = None) -> None:
        self.guesses = IdleGapSessions(new_id or _new_id)

    def of(self, message: Message, known: Mapping[str, Any]) -> Session | None:
        """The session of a message that has these attributes; a handler may name another."""
        above, origin = message.above, message.origin
        brought = origin.header(b"baggage") if origin is not None else None
        protocol = known.get(semconv.MCP_SESSION_ID)
        conversation = _conversation(above, brought)
        if conversation:
            return Session(conversation, "baggage")
        if above and not protocol:
            parent = trace.get_current_span(above).get_span_context()
            if parent.is_valid and parent.is_remote:
                return Session(trace.format_trace_id(parent.trace_id), "trace")
        return self.without_context(message, protocol, who(known))

    def without_context(
        self, message: Message, protocol: str | None, who: tuple[object, ...]
    ) -> Session | None:
        """The same where nothing around the message says it: MCP's own session, or a guess by who sends it."""
        if protocol:
            return Session(protocol, "protocol")
        # Over HTTP initialize comes before the session that it opens.
        if message.method == "initialize" and message.origin is not None:
            return None
        return self.guesses.session(who, message.received_ns)


class _Guess:
    """A session, and when it was last heard of, in nanoseconds since 1970."""

    __slots__ = ("last_ns", "session")

    def __init__(self, session: Session, last_ns: int) -> None:
        self.session = session
        self.last_ns = last_ns


class IdleGapSessions:
    """A guess: what one user does with one client, without a pause of half an hour, is one session.

    The least recent are forgotten beyond 4,096.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self.recent: OrderedDict[tuple[object, ...], _Guess] = OrderedDict()
        self._lock = new_lock()

    def session(self, who: tuple[object, ...], time_ns: int) -> Session:
        """The session of somebody who calls at a time, in nanoseconds since 1970."""
        guess = self.recent.get(who)
        if guess is None or time_ns - guess.last_ns > IDLE_NANOSECONDS:
            guess = self._begin(who, time_ns)
        # Operations come about in the order in which they end: some wait for a thread.
        if time_ns > guess.last_ns:
            guess.last_ns = time_ns
        try:  # noqa: SIM105  suppress takes three calls, for every message
            self.recent.move_to_end(who)
        except KeyError:  # forgotten meanwhile
            pass
        return guess.session

    def _begin(self, who: tuple[object, ...], time_ns: int) -> _Guess:
        with self._lock:
            # Another thread may have done it.
            guess = self.recent.get(who)
            if guess is None or time_ns - guess.last_ns > IDLE_NANOSECONDS:
                guess = self.recent[who] = _Guess(Session(self._new_id(), "inferred"), time_ns)
                if len(self.recent) > MOST_GUESSES:
                    self.recent.popitem(last=False)
            return guess

    def __len__(self) -> int:
        return len(self.recent)


def _conversation(above: Context | None, brought: str | None) -> str | None:
    """What the context says, or the baggage that the HTTP request has brought."""
    found = baggage.get_baggage(CONVERSATION, above) if above else None
    # A host without HTTP instrumentation of its own has not read it.
    if found is None and brought and CONVERSATION in brought:
        context = _BAGGAGE.extract({"baggage": brought}, Context())
        found = baggage.get_baggage(CONVERSATION, context)
    # The propagator keeps the properties of an entry (W3C Baggage, 3.2.1.4).
    return found.partition(";")[0].strip() if isinstance(found, str) else None


def who(known: Mapping[str, Any]) -> tuple[object, ...]:
    """What tells one caller from another, by the attributes of an operation."""
    user = known.get(semconv.ENDUSER_ID) or known.get(semconv.ENDUSER_PSEUDO_ID)
    place = user or known.get(semconv.CLIENT_ADDRESS)
    return bool(user), place, known.get(semconv.MCP_CLIENT_NAME), known.get(semconv.MCP_CLIENT_VERSION)


def _new_id() -> str:
    return f"{new_trace_id():032x}"
