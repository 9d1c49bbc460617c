"""How much the engine keeps."""

from dataclasses import dataclass

SQL = """
SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY table
"""


@dataclass(frozen=True)
class TableSize:
    """One table's rows, the bytes that they take on disk and the parts that they lie in."""

    table: str
    rows: int
    bytes: int
    parts: int
