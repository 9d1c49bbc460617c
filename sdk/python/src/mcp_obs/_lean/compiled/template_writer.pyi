from collections import deque

from mcp_obs._lean.backlog import Backlog
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.templates import Templates

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
