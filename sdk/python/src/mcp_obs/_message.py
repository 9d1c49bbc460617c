"""One MCP message, and what can be said about it before it is handled."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, get_args

from opentelemetry.context import Context
from pydantic_core import to_json

from mcp_obs import semconv
from mcp_obs._guard import Guard
from mcp_obs._http import HttpOrigin, scope_of
from mcp_obs._text import LONGEST_TEXT, carried

TARGETS = {"tools/call": semconv.GEN_AI_TOOL_NAME, "prompts/get": semconv.GEN_AI_PROMPT_NAME}
# They belong to what a client asks; what it is asked meanwhile is part of the same trace.
_OF_THE_ASKING_CLIENT = frozenset(
    {
        semconv.MCP_CLIENT_NAME,
        semconv.MCP_CLIENT_VERSION,
        semconv.CLIENT_ADDRESS,
        semconv.CLIENT_PORT,
        semconv.ENDUSER_ID,
        semconv.ENDUSER_SCOPE,
    }
)
_LOG_LEVELS = get_args(semconv.LogLevel)
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"

# To a type checker these are any: to narrow and to cast back would be calls on the path of every message.
PLAIN: Any = dict
"""The type of nearly every JSON object."""
LIST: Any = list
_MAPPING: Any = Mapping

# A host's function may get it.
_NOTHING: Mapping[str, Any] = MappingProxyType({})

_measuring = Guard("measuring a message")


class Client(NamedTuple):
    """A client's name and version as it states them."""

    name: str
    version: str | None


class RequestDetails(Protocol):
    """What there is to say beside what is on the wire."""

    def of_request(self, message: "Message", known: Mapping[str, Any]) -> dict[str, Any]:
        """All attributes of an operation that begins, given those that are known."""
        ...


@dataclass(slots=True)
class Message:
    """A request or, when `request_id` is None, a notification.

    `params` is as on the wire, `request` the Starlette request below (None on stdio and in memory),
    `client` what the connection knows, for messages that do not say it themselves.
    """

    method: str
    params: Mapping[str, Any] | None
    request_id: str | int | None
    protocol_version: str | None
    client: Client | None
    request: Any
    details: RequestDetails | None = None
    """None until it is recorded."""
    is_outbound: bool = False
    """Whether the server sends it to its client."""
    above: Context | None = None
    """What its span begins in."""
    received_ns: int = 0
    """Nanoseconds since 1970."""
    enclosing: "Message | None" = None
    """The message whose handler sends it."""
    user: tuple[str | None] | None = None
    """Whom the host names, which can be nobody; None when it says nothing."""
    session: str | None = None
    """The session that the handler names."""
    told: int = 0
    """How many notifications the client got meanwhile."""
    negotiated: str | None = None
    """The version that initialize was answered with."""
    _attributes: dict[str, Any] | None = None
    known_origin: HttpOrigin | None = None
    """What the request says, once somebody has asked."""

    @property
    def origin(self) -> HttpOrigin | None:
        """What the HTTP request below it says; None on stdio and in memory."""
        # In this order: another thread may let the request go meanwhile, which then has an origin.
        request, origin = self.request, self.known_origin
        if origin is None and request is not None:
            self.known_origin = origin = HttpOrigin(scope_of(request))
        return origin

    def let_request_go(self) -> None:
        """Hold no more of the request below than its origin: all that it leads to would wait with it to be exported."""
        if self.origin is not None:
            self.request = None

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `_meta` object, empty when absent or malformed."""
        meta = self.params.get("_meta", _NOTHING) if self.params else _NOTHING
        return meta if type(meta) is PLAIN else mapping_or_empty(meta)

    @property
    def tool(self) -> str | None:
        """The name of the tool that is called, empty when malformed; None for what is no tool call."""
        if self.method != "tools/call":
            return None
        name = self.params.get("name") if self.params else None
        return name if isinstance(name, str) else ""

    def attributes(self) -> dict[str, Any]:
        """The attributes of the operation's span that are known at its start."""
        if self._attributes is None:
            described = self._describe()
            self._attributes = self.details.of_request(self, described) if self.details else described
        return self._attributes

    def event_attributes(self) -> dict[str, Any]:
        """What an event says of a notification beside its method; never its text, which may be anything."""
        params, attributes = self.params or {}, dict[str, Any]()
        if isinstance(params.get("uri"), str):
            attributes[semconv.MCP_RESOURCE_URI] = params["uri"]
        if self.method == "notifications/message" and params.get("level") in _LOG_LEVELS:
            attributes[semconv.MCP_OBS_LOG_LEVEL] = params["level"]
        return attributes

    def _describe(self) -> dict[str, Any]:
        attributes: dict[str, Any] = {semconv.MCP_METHOD_NAME: self.method}
        if self.request_id is not None:
            attributes[semconv.JSONRPC_REQUEST_ID] = str(self.request_id)
        if self.protocol_version:
            attributes[semconv.MCP_PROTOCOL_VERSION] = self.protocol_version
        attributes |= self._target_attributes()
        client = self.stated_client()
        if client is not None:
            attributes[semconv.MCP_CLIENT_NAME] = client.name
            if client.version:
                attributes[semconv.MCP_CLIENT_VERSION] = client.version
        origin = self.origin
        if origin is None:
            attributes[semconv.NETWORK_TRANSPORT] = semconv.TRANSPORT_PIPE
        else:
            attributes |= origin.attributes(self.protocol_version)
        if self.is_outbound:
            attributes = {
                name: value for name, value in attributes.items() if name not in _OF_THE_ASKING_CLIENT
            }
        return _as_carried(attributes)

    def stated_client(self) -> Client | None:
        """The client that the message names, or the connection's."""
        stated = client_of(self.method, self.params or _NOTHING)
        return Client(*stated) if stated is not None else self.client

    def _target_attributes(self) -> dict[str, Any]:
        params, attributes = self.params or {}, dict[str, Any]()
        if self.method == "tools/call":
            attributes[semconv.GEN_AI_OPERATION_NAME] = semconv.GEN_AI_OPERATION_EXECUTE_TOOL
        if self.method in TARGETS and isinstance(params.get("name"), str):
            attributes[TARGETS[self.method]] = params["name"]
        if isinstance(params.get("uri"), str):
            attributes[semconv.MCP_RESOURCE_URI] = params["uri"]
        return attributes


def span_name(attributes: Mapping[str, Any]) -> str:
    """`{method} {target}`; the target is a tool or a prompt, never a URI, whose number has no bound."""
    method = attributes[semconv.MCP_METHOD_NAME]
    target = attributes.get(TARGETS.get(method, ""))
    return f"{method} {target}" if target else method


def client_of(method: str, params: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The client that a message names: initialize in its params, newer protocols in every `_meta`."""
    stated: Any = params.get("clientInfo" if method == "initialize" else "_meta")
    if method != "initialize":
        # To ask for the type here takes a tenth of a call.
        stated = (stated if type(stated) is PLAIN else mapping_or_empty(stated)).get(CLIENT_INFO)
    if stated is None:
        return None
    info = stated if type(stated) is PLAIN else mapping_or_empty(stated)
    name, version = info.get("name"), info.get("version")
    return (name, version if isinstance(version, str) else None) if isinstance(name, str) else None


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """A JSON object from the wire, or nothing where a client sent something else."""
    # Asking an abstract class takes five times as long.
    return value if type(value) is PLAIN or isinstance(value, _MAPPING) else _NOTHING


def json_size(value: Any) -> int | None:
    """Bytes of `value` as compact JSON; None for what has no such form, as a lone surrogate has not."""
    try:
        return len(to_json(value))
    except Exception:
        with _measuring:
            raise
    return None


def _as_carried(attributes: dict[str, Any]) -> dict[str, Any]:
    # Most have none.
    awkward = {
        name: value
        for name, value in attributes.items()
        if type(value) is str and not (value.isascii() and len(value) <= LONGEST_TEXT)
    }
    attributes.update({name: carried(text) for name, text in awkward.items()})
    long = [name for name, text in awkward.items() if len(text) > LONGEST_TEXT]
    if long:
        attributes[semconv.MCP_OBS_TRUNCATED] = long
    return attributes
