from inline_snapshot import snapshot

from benchmarks.table import Requirement, number, table, verdict


def test_a_table_has_names_to_the_left_and_numbers_to_the_right() -> None:
    rows = [["mcp-obs", number(123456.7), number(0.456, 2)], ["rotel", number(9), number(None)]]

    assert table(["", "spans/s", "ratio"], rows) == snapshot("""\
         spans/s  ratio
-------  -------  -----
mcp-obs  123,457   0.46
rotel          9      -\
""")


def test_one_figure_missed_is_said_and_fails_the_run() -> None:
    rate = Requirement("spans/s", 120_000, 120_000, is_least=True)
    size = Requirement("bytes per span", 65.04, 65, is_least=False, digits=2)

    assert [str(rate), str(size)] == snapshot(
        ["reached  spans/s: 120,000 (≥ 120,000)", "SHORT    bytes per span: 65.04 (≤ 65.00)"]
    )
    assert verdict([rate]) == 0
    assert verdict([rate, size]) == 1
