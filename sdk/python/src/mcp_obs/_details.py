"""What a span says of an operation beside what is on the wire, as the host has decided."""

from collections.abc import Callable, Mapping
from typing import Any

from mcp_obs import semconv
from mcp_obs._ending import Ending
from mcp_obs._failure import Failure, failure_of
from mcp_obs._message import Message
from mcp_obs._privacy.payloads import Payloads, merged
from mcp_obs._privacy.settings import Privacy
from mcp_obs._sessions import Session, Sessions
from mcp_obs._text import carried
from mcp_obs._users import Users, UserSettings

_OF_CALLER = (
    semconv.ENDUSER_ID,
    semconv.ENDUSER_PSEUDO_ID,
    semconv.ENDUSER_SCOPE,
    semconv.MCP_SESSION_ID,
    semconv.MCP_OBS_SESSION_ID,
    semconv.MCP_OBS_SESSION_SOURCE,
)


class Details:
    """Who calls, in which session, and what arguments and results are like; for any thread."""

    def __init__(
        self,
        privacy: Privacy | None = None,
        users: UserSettings | None = None,
        new_session_id: Callable[[], str] | None = None,
    ) -> None:
        self.payloads = Payloads(privacy or Privacy())
        self.users = Users(users or UserSettings())
        self.sessions = Sessions(new_session_id)

    def of_request(self, message: Message, known: Mapping[str, Any]) -> dict[str, Any]:
        """What is said when an operation begins, beside the attributes that are known; some of those are changed."""
        attributes = self.payloads.of_request(message.tool, message.params)
        uri = known.get(semconv.MCP_RESOURCE_URI)
        if uri is not None:
            attributes[semconv.MCP_RESOURCE_URI] = self.payloads.text(None, uri)
        return merged({**known, **self._of_caller(message, known)}, attributes)

    def _of_caller(self, message: Message, known: Mapping[str, Any]) -> dict[str, Any]:
        if message.enclosing is not None:
            attributes = message.enclosing.attributes()
            caller = {name: attributes[name] for name in _OF_CALLER if name in attributes}
        else:
            caller = self.users.of(message)
            session = self.session_of(message, {**known, **caller})
            caller |= session.attributes() if session is not None else {}
        return caller | self._of_handler(message)

    def session_of(self, message: Message, known: Mapping[str, Any]) -> Session | None:
        """The session of an operation with these attributes; what a server sends of its own accord is nobody's call."""
        found = None if message.is_outbound else self.sessions.of(message, known)
        return _named(message) or found

    def _of_handler(self, message: Message) -> dict[str, Any]:
        """What the handler has said of an operation by now."""
        named = _named(message)
        return named.attributes() if named is not None else {}

    def of_end(self, message: Message, ending: Ending) -> dict[str, Any]:
        """What is said when an operation is over, whether or not it was answered."""
        said = ending.attributes()
        if message.negotiated is not None:
            said[semconv.MCP_PROTOCOL_VERSION] = message.negotiated
        if message.told:
            said[semconv.MCP_OBS_NOTIFICATIONS_SENT] = message.told
        return said | self._of_handler(message)

    def of_result(self, message: Message, result: Mapping[str, Any]) -> dict[str, Any]:
        """What is said when a request is answered; it may take the place of what was said before."""
        said = self.payloads.of_result(message.tool, result)
        both = merged(message.attributes(), said)
        return {name: both[name] for name in said}

    def text(self, message: Message, text: str) -> str:
        """What may be said of an exception's or a refusal's message."""
        return carried(self.payloads.text(message.tool, text))

    def failure(self, error: BaseException) -> Failure:
        """What may be said of an exception in what is no operation."""
        failure = failure_of(error)
        return failure._replace(message=carried(self.payloads.text(None, failure.message)))


def _named(message: Message) -> Session | None:
    """The session that a handler has named."""
    enclosing = message.enclosing
    named = message.session or (enclosing.session if enclosing is not None else None)
    return Session(named, "handle") if named else None
