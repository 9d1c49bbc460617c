"""Which lines of a package run, and which of them within a span."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from opentelemetry import trace


class Line(NamedTuple):
    """A line of a function."""

    file: str
    function: str
    number: int

    def __str__(self) -> str:
        """As an editor takes it."""
        return f"{self.file}:{self.number} in {self.function}"


class Walk:
    """While entered, notes the lines of the files that run."""

    def __init__(self, files: list[Path]) -> None:
        self._files = {str(file): file.name for file in files}
        self.run = set[Line]()
        self.within_a_span = set[Line]()

    def lines(self) -> set[Line]:
        """Every line of every function that can run."""
        return {
            Line(name, code.co_qualname, number)
            for file, name in self._files.items()
            for code in functions(compile(Path(file).read_text(), file, "exec"))
            for number in numbers(code)
        }

    def __enter__(self) -> "Walk":
        self._before = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.settrace(self._before)

    def _on_call(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._on_line if frame.f_code.co_filename in self._files else None

    def _on_line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            code = frame.f_code
            line = Line(self._files[code.co_filename], code.co_qualname, frame.f_lineno)
            self.run.add(line)
            if trace.get_current_span().is_recording():
                self.within_a_span.add(line)
        return self._on_line


def functions(code: CodeType) -> Iterator[CodeType]:
    """The functions in a piece of code, and those in them."""
    if code.co_flags & inspect.CO_OPTIMIZED:
        yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from functions(constant)


def numbers(code: CodeType) -> set[int]:
    """The numbers of a function's lines but that of its beginning, which is entered and not run."""
    return {number for _, _, number in code.co_lines() if number is not None} - {code.co_firstlineno}
