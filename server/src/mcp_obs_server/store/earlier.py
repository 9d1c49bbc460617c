"""Stores from before the first release, in which two files of the schema read otherwise."""

from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.roll_up_operations import ROLLUPS, rows_of_spans

# What costs more and answers the same.
_SERVING = {
    # Sorted to the nanosecond.
    ("0001_spans", "eef825fdaf280ca2c20e3657c0297405e708a9be57fbcb9a2357c7a641ee4040"),
    # In more parts, and in the codec of the spans.
    ("0002_operations", "b225842fa94156345ab29b4d1c1e788b02d6652b0ab5e7a5dd6cfa658cba52ee"),
}
_OPERATIONS = "0002_operations"
_EARLIER_OPERATIONS = (
    # Minutes and hours with digests in them.
    "05a3b1543007245f0c15537a35a0663d64f840d9fcdc4b67858c1b74c183cbac",
    # Durations in tables of their own.
    "c38246dfe90060eab1d198d500fd7808fa7c36b17d4982fbf78f7b6d29cf672b",
)
# New rollups know no tokens: what was stored before its segment was forgotten would be in them twice.
SPANS_WAIT = (
    "The figures of this store have to be made again from its spans, and exports of spans wait in the spool that may be"
    " among them: start the mcp-obs that wrote them until the spool is empty, stop it, and start this one again."
)
_EARLIER_ROLLUPS = ("operations_1m", "operations_1h", "durations_15m", "durations_1h")


def serves_as_it_is(name: str, digest: str) -> bool:
    """Whether what an earlier file made needs no change."""
    return (name, digest) in _SERVING


def has_earlier_rollups(name: str, digest: str) -> bool:
    """Whether the rollups must be made again."""
    return name == _OPERATIONS and digest in _EARLIER_OPERATIONS


def remake_rollups(engine: Engine, statements: list[str]) -> None:
    """Make the rollups by the statements and fill them from the spans; from the beginning, if it was broken off."""
    for table in dict.fromkeys([*_EARLIER_ROLLUPS, *ROLLUPS]):
        engine.command(engine.layout.drop(table))
    for statement in statements:
        engine.define(statement)
    for table in ROLLUPS:
        engine.command(
            f"INSERT INTO {table} {rows_of_spans(table)} SETTINGS max_partitions_per_insert_block = 0"
        )
