"""What a span says of an operation beside what is on the wire, as the host has decided."""

from collections.abc import Mapping
from typing import Any

from mcp_obs import semconv
from mcp_obs._guard import Guard
from mcp_obs._message import Message
from mcp_obs._privacy.payloads import Payloads, merged
from mcp_obs._privacy.settings import Privacy, resolve_privacy
from mcp_obs._text import carried

_reading = Guard("reading MCP_OBS_PRIVACY, so the default applies")


class Details:
    """Sizes, shapes and values of arguments and results; for any thread."""

    def __init__(self, privacy: Privacy | None = None) -> None:
        self.payloads = Payloads(privacy or Privacy())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Details":
        """What applies where nothing was configured; what can't be applied is said in the log, and the default is."""
        with _reading:
            return cls(resolve_privacy(environ, None))
        return cls()

    def of_request(self, message: Message, known: Mapping[str, Any]) -> dict[str, Any]:
        """What is said when an operation begins, beside the attributes that are known; some of those are changed."""
        attributes = self.payloads.of_request(message.tool, message.params)
        uri = known.get(semconv.MCP_RESOURCE_URI)
        if uri is not None:
            attributes[semconv.MCP_RESOURCE_URI] = self.payloads.text(None, uri)
        return merged(known, attributes)

    def of_result(self, message: Message, result: Mapping[str, Any]) -> dict[str, Any]:
        """What is said when a request is answered; it may take the place of what was said before."""
        said = self.payloads.of_result(message.tool, result)
        both = merged(message.attributes(), said)
        return {name: both[name] for name in said}

    def text(self, message: Message, text: str) -> str:
        """What may be said of an exception's or a refusal's message."""
        return carried(self.payloads.text(message.tool, text))
