from collections.abc import Callable
from typing import Any

from mcp_obs._details import Details
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._message import Message

class SpanStarter:
    def __init__(
        self,
        details: Details,
        on_end: Callable[[Any], None],
        trace_id: Callable[[], int],
        span_id: Callable[[], int],
    ) -> None: ...
    def start(self, message: Message) -> OperationSpan | None: ...
