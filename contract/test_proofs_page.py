"""What is asked of a run, what the page says of it, and that proofs outlive being written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from behaviours_model import Behaviour, Behaviours, load
from inline_snapshot import snapshot
from proofs_model import Proofs, gaps, read_all
from proofs_page import page

KNOWN = load()


def behaviour(name: str, scope: str = "server", **changes: Any) -> Behaviour:
    """One that every line of Python's must show."""
    return replace(KNOWN.find("operation.one-span"), id=name, scope=scope, **changes)


ASKED = replace(
    KNOWN,
    behaviours=(
        behaviour("call.seen"),
        behaviour("listen.seen", eras=("modern",), lines=("mcp 2.x",)),
        behaviour("elicitation.seen", eras=("legacy",), since={"mcp 1.x": "1.10"}),
        behaviour("wish.seen", status="planned"),
        behaviour("exit.clean", "process"),
        behaviour("exit.quick", "process"),
    ),
)


def with_gaps(proofs: Proofs, asked: Behaviours = ASKED) -> Proofs:
    """What a run writes."""
    return replace(proofs, unproven=tuple(gaps(asked, proofs)))


OLD = with_gaps(
    Proofs(
        "python",
        {"mcp": "1.9.4"},
        ("exit.clean", "exit.quick"),
        {"mcp 1.x": {"legacy": {"call.seen": ("http", "in-memory")}}},
    )
)
NEW = with_gaps(
    Proofs(
        "python",
        {"mcp": "2.3.0"},
        ("exit.clean",),
        {"mcp 2.x": {"legacy": {"elicitation.seen": ("stdio",)}, "modern": {"call.seen": ("sse",)}}},
    )
)


def test_what_lacks_its_proof_is_named_by_line_and_era():
    assert OLD.unproven == ()
    assert NEW.unproven == (
        ("call.seen", "mcp 2.x", "legacy"),
        ("listen.seen", "mcp 2.x", "modern"),
        ("exit.quick",),
    )


def test_proofs_are_read_as_they_were_written(tmp_path: Path):
    OLD.write(tmp_path / "python/old.json")
    NEW.write(tmp_path / "python/new.json")
    assert read_all("python", tmp_path) == [NEW, OLD]


def test_the_page_says_what_is_proven_over_which_transport_of_which_version():
    tables = [line for line in page([NEW, OLD]).splitlines() if line.startswith("|")]
    assert tables == snapshot(
        [
            "| library | protocol | in-memory | stdio | sse | http | stateless-http | proven |",
            "|---|---|---|---|---|---|---|---|",
            "| mcp 1.9.4 | 2025-11-25 and before | 1 | 0 | 0 | 1 | 0 | 1 of 1 |",
            "| mcp 2.3.0 | 2025-11-25 and before | 0 | 1 | 0 | 0 | 0 | 1 of 2 |",
            "| mcp 2.3.0 | 2026-07-28 | 0 | 0 | 1 | 0 | 0 | 1 of 2 |",
            "| behaviour | mcp 1.9.4 (2025) | mcp 2.3.0 (2025) | mcp 2.3.0 (2026) |",
            "|---|---|---|---|",
            "| `call.seen` | mh | **no** | e |",
            "| `elicitation.seen` | - | i | - |",
            "| `listen.seen` | - | - | **no** |",
            "| environment | proven | not proven |",
            "|---|---|---|",
            "| mcp 1.9.4 | 2 of 2 |  |",
            "| mcp 2.3.0 | 1 of 2 | `exit.quick` |",
        ]
    )


def test_environments_with_the_same_version_are_one_column():
    more = replace(OLD, servers={"mcp 1.x": {"legacy": {"call.seen": ("stdio",)}}})
    assert "| `call.seen` | mih |" in page([OLD, more])
