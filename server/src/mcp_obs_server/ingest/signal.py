"""What OTLP's three signals have in common, and where they differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.message import Message

from mcp_obs_server.ingest.reason import Reason

SignalName = Literal["traces", "metrics", "logs"]

# A sender's clock may be off, but a span from tomorrow would stay the newest one for a day.
FUTURE_NANOSECONDS = 3600 * 10**9


@dataclass(frozen=True)
class Window:
    """The times that an item may have, in nanoseconds since 1970."""

    oldest: int
    newest: int

    @classmethod
    def around(cls, now: int, retention: int) -> "Window":
        """What is neither older than the retention nor ahead of the clock."""
        return cls(now - retention, now + FUTURE_NANOSECONDS)


ANY_TIME = Window(0, 2**64 - 1)


@dataclass(frozen=True)
class Admission:
    """How many items of a request are kept, and how many are not, by reason."""

    kept: int
    rejected: Mapping[Reason, int]


@dataclass(frozen=True)
class Signal:
    """One of OTLP's signals: `/v1/{name}`, and the table `otlp_{name}` of the store."""

    name: SignalName
    item: str
    """What it is made of, in the singular and with spaces."""
    request: type[Message]
    response: type[Message]
    admit: Callable[[Any, Window], Admission]
    """Takes the items that can't be kept out of a request of the type `request`."""
    cap: Callable[[Any, bytes], bool]
    """Cuts what is too much in a request, given its bytes too; whether anything was, which it records there."""
    as_sent: bool = False
    """Whether a trusted sender's bytes may be stored: the store itself must hold items to the envelope's window."""

    @property
    def rejected_field(self) -> str:
        """The field of the response's partial_success that counts what was rejected."""
        return f"rejected_{self.item.replace(' ', '_')}s"

    @property
    def export_method(self) -> str:
        """The path of its gRPC method; each collector package has one service."""
        (service,) = self.request.DESCRIPTOR.file.services_by_name.values()
        return f"/{service.full_name}/Export"
