"""Collects which behaviours a run has proven, and where; a plugin of pytest.

A run that writes its proofs is a whole one: it fails when a behaviour has none that is not planned.
A test names what it proves by the marker `behaviour("noun.what-it-does", ...)`. The line and the transports are noted
as the test's `line` is used, or come from the marker `proven_on(line, era, transport)`.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import pytest
from behaviours_model import Behaviours, load
from proofs_model import Proofs, Servers, gaps
from semconv_model import ContractError

from .asking import AskingLine
from .lines import LAST_LEGACY_REVISION, Line

SDK = "python"
LIBRARIES = ("mcp", "fastmcp")
TRANSPORTS = {
    "in_memory": "in-memory",
    "over_stdio": "stdio",
    "over_sse": "sse",
    "over_http": "http",
    "over_stateless_http": "stateless-http",
}
"""By the field of a line that connects over it."""

LineT = TypeVar("LineT", Line, AskingLine)

_PROPERTY = "proves"


class ProofCollector:
    """Refuses ids that are not known, and writes what the tests that passed have proven."""

    def __init__(self, path: Path | None, behaviours: Behaviours) -> None:
        self._path = path
        self._behaviours = behaviours
        self._proven: set[tuple[str, ...]] = set()
        self._failed: set[tuple[str, ...]] = set()
        self._unproven: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Every id is known, and every server's behaviour has a line."""
        wrong = [f"{item.nodeid}: {trouble}" for item in items if (trouble := self._trouble(item))]
        if wrong:
            raise pytest.UsageError("\n".join(wrong))

    def _trouble(self, item: pytest.Item) -> str | None:
        try:
            found = [self._behaviours.find(name) for name in ids_of(item)]
            where = item.get_closest_marker("proven_on")
            if where is not None:
                self._behaviours.line(where.args[0])
        except ContractError as error:
            return str(error)
        has_line = where is not None or "line" in getattr(item, "fixturenames", ())
        homeless = [one.id for one in found if one.scope == "server" and not has_line]
        return f"{', '.join(homeless)} needs the fixture `line` or the marker proven_on" if homeless else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note the line and the transports that the test uses."""
        names = ids_of(item)
        if not names:
            return (yield)
        used: list[tuple[str, str, str]] = []
        where = item.get_closest_marker("proven_on")
        if where is not None:
            used.append(where.args)
        arguments: dict[str, Any] = getattr(item, "funcargs", {})
        if isinstance(arguments.get("line"), Line | AskingLine):
            arguments["line"] = noting(arguments["line"], used)
        try:
            return (yield)
        finally:
            item.user_properties.append((_PROPERTY, [names, used]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test has shown; with xdist, where the reports come together."""
        for key, value in report.user_properties:
            if key != _PROPERTY or (report.passed and report.when != "call"):
                continue
            noted: Any = value
            shown = set(self._shown(*noted))
            (self._proven if report.passed else self._failed).update(shown)

    def _shown(self, names: list[str], used: list[tuple[str, str, str]]) -> Iterable[tuple[str, ...]]:
        for behaviour in map(self._behaviours.find, names):
            if behaviour.scope == "process":
                yield (behaviour.id,)
                continue
            for line, era, transport in used:
                # A test of every line proves what a line has.
                if line in behaviour.lines and era in behaviour.eras and transport in behaviour.transports:
                    yield (behaviour.id, line, era, transport)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, and fail for want of a proof."""
        if self._path is None:
            return
        proofs = self.proofs()
        unproven = tuple(gaps(self._behaviours, proofs))
        replace(proofs, unproven=unproven).write(self._path)
        self._unproven = [f"{name} on {', '.join(where)}" if where else name for name, *where in unproven]
        if self._unproven and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what has no proof, and count it beside what failed."""
        if self._unproven:
            terminalreporter.section("not proven")
            terminalreporter.write_line("\n".join(self._unproven))
            terminalreporter.stats["not proven"] = self._unproven

    def proofs(self) -> Proofs:
        """What was proven."""
        servers: Servers = {}
        process: list[str] = []
        for name, *where in sorted(self._proven - self._failed):
            if where:
                line, era, transport = where
                proven = servers.setdefault(line, {}).setdefault(era, {})
                proven[name] = (*proven.get(name, ()), transport)
            else:
                process.append(name)
        return Proofs(SDK, installed_versions(), tuple(process), servers)


def ids_of(item: pytest.Item) -> list[str]:
    """The behaviours that a test names."""
    return sorted({name for marker in item.iter_markers("behaviour") for name in marker.args})


def noting(line: LineT, used: list[tuple[str, str, str]]) -> LineT:
    """The same line, which notes in `used` over what it is connected to."""
    library, era = place_of(line)

    def noted(connect: Callable[..., Any], transport: str) -> Callable[..., Any]:
        def connecting(*args: Any, **kwargs: Any) -> Any:
            used.append((library, era, transport))
            return connect(*args, **kwargs)

        return connecting

    fields = {
        field: noted(connect, transport)
        for field, transport in TRANSPORTS.items()
        if (connect := getattr(line, field, None)) is not None
    }
    return replace(line, **fields)


def place_of(line: Line | AskingLine) -> tuple[str, str]:
    """The library line of behaviours.yaml, and the era, of a line of the kit."""
    return line.name.partition(",")[
        0
    ], "legacy" if line.protocol_version <= LAST_LEGACY_REVISION else "modern"


def proven_on(line: Line, transport: str) -> pytest.MarkDecorator:
    """The marker for a test that reaches a line in its own way."""
    return pytest.mark.proven_on(*place_of(line), transport)


def installed_versions() -> dict[str, str]:
    """Of the MCP libraries."""
    found: dict[str, str] = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def register(config: pytest.Config) -> None:
    """Add the markers and the collector to a run."""
    config.addinivalue_line(
        "markers", "behaviour(*ids): the behaviours of contract/behaviours.yaml that the test proves"
    )
    config.addinivalue_line(
        "markers", "proven_on(line, era, transport): where, for a test without the fixture `line`"
    )
    is_worker = hasattr(config, "workerinput")
    given = None if is_worker else config.getoption("--proofs")
    path = Path(str(given)).absolute() if given else None
    config.pluginmanager.register(ProofCollector(path, load()), "mcp-obs-proofs")
