from io import StringIO

from inline_snapshot import snapshot
from rich.console import Console

from mcp_obs_server.commands.demo.check import Count, comparison, count
from mcp_obs_server.commands.demo.clients import Operated, Tally


def test_a_tally_becomes_a_row_for_each_tool_and_one_for_all_calls() -> None:
    tally = Tally()
    for outcome in ("ok", "error", "rejected"):
        tally.add(Operated("shop", "tools/call", "checkout"), outcome)
        tally.add(Operated("shop", "resources/read", "shop://catalogue"), outcome)
    assert count(tally) == {("shop", "checkout"): Count(3, 1), ("shop", "everything"): Count(6, 2)}


def test_rows_that_differ_or_that_only_one_side_knows_are_marked() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(
        comparison(
            {("notes", "get_note"): Count(3, 1), ("shop", "checkout"): Count(2, 0)},
            {
                ("notes", "get_note"): Count(3, 1),
                ("shop", "checkout"): Count(3, 0),
                ("shop", "recommend"): Count(1),
            },
        )
    )
    assert console.export_text() == snapshot("""\
  calls and errors: counted by the clients, shown by the   \n\
                      dashboard's API                      \n\
┏━━━┳━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━┳━━━━━━━┳━━━━━━━━┳━━━━━━━┓
┃   ┃ server ┃ tool      ┃ calls ┃ shown ┃ errors ┃ shown ┃
┡━━━╇━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━╇━━━━━━━╇━━━━━━━━╇━━━━━━━┩
│ ✓ │ notes  │ get_note  │     3 │     3 │      1 │     1 │
├───┼────────┼───────────┼───────┼───────┼────────┼───────┤
│ ✗ │ shop   │ checkout  │     2 │     3 │      0 │     0 │
│ ✗ │ shop   │ recommend │     0 │     1 │      0 │     0 │
└───┴────────┴───────────┴───────┴───────┴────────┴───────┘
""")
