from collections import deque
from collections.abc import Callable
from typing import Any

from mcp_obs._details import Details
from mcp_obs._lean.backlog import Backlog
from mcp_obs._lean.operation_span import LightSpan, OperationSpan
from mcp_obs._lean.templates import Templates
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

class TemplateWriter:
    def __init__(self, templates: Templates) -> None: ...
    def write(self, span: LightSpan) -> bytes | None: ...
    def keep(self, span: LightSpan, together: deque[LightSpan]) -> int: ...
    def write_together(
        self,
        ended: deque[LightSpan],
        backlog: Backlog,
        left: deque[LightSpan],
        refused: list[LightSpan],
    ) -> None: ...
