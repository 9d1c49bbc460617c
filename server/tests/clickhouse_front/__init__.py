"""ClickHouse's HTTP interface over the embedded engine, in a process of its own.

A ClickHouse server can't be installed everywhere the tests run; this is the same engine behind the same protocol, as
far as clickhouse-connect speaks it, and it fails on command.
"""

from clickhouse_front.process import Fault, Front, running_front

__all__ = ["Fault", "Front", "running_front"]
