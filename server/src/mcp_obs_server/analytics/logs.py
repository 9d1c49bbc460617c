"""Which log records are like this? Newest first, a page at a time."""

import re
from typing import Any

from mcp_obs_server.analytics.log_row import WHOLE, log_record
from mcp_obs_server.analytics.log_schemas import LogPage, LogQuery, LogRecord
from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.kit.errors import InvalidError
from mcp_obs_server.semconv import LOG_COLUMNS
from mcp_obs_server.store import TelemetryStore

_IN_SCOPE = (
    "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
    " AND time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')}"
)
_CONTAINS = "positionCaseInsensitiveUTF8({}, {{text:String}}) > 0"
_CONDITIONS = {
    "event_name": "event_name = {event_name:String}",
    "severity": "severity >= {severity:String}",
    "session_id": "session_id = {session_id:String}",
    "user_id": "user_id = {user_id:String}",
    "trace_id": "trace_id = unhex({trace_id:String})",
    "since": "time >= {since:DateTime64(6, 'UTC')}",
    "until": "time < {until:DateTime64(6, 'UTC')}",
    "text": (
        f"({_CONTAINS.format('body')}"
        f" OR arrayExists(value -> {_CONTAINS.format('value')}, mapValues(attributes)))"
    ),
}
_IN_MAPS = [
    f"(mapContains({each}, {{attribute_key:String}})"
    f" AND {each}[{{attribute_key:String}}] = {{attribute_value:String}})"
    for each in ("attributes", "resource_attributes")
]
# A record has no id: a page goes on after the records of the same moment that were shown, in an order that stays.
_CURSOR = re.compile(r"(\d{1,18}|[1-8]\d{18})\.(\d{1,6})", re.ASCII)
_UP_TO_CURSOR = "time <= fromUnixTimestamp64Nano({nanoseconds:Int64}, 'UTC')"


async def logs(store: TelemetryStore, question: Question, query: LogQuery) -> LogPage:
    """The newest records after the cursor. Raises InvalidError for a cursor that no page gave."""
    nanoseconds, shown = _position(query.cursor)
    conditions, parameters = _filter(query)
    parameters |= {**question.parameters(question.range.start), "nanoseconds": nanoseconds}
    sql = f"""
SELECT {WHOLE}
FROM logs
WHERE {" AND ".join([_IN_SCOPE, *conditions])}
ORDER BY time DESC, cityHash64(event_name, severity_text, span_id, body, attributes, resource_attributes) DESC
LIMIT {query.limit + 1} OFFSET {shown}
"""
    rows = [log_record(row) for row in await store.rows(sql, parameters)]
    page = rows[: query.limit]
    next_cursor = _cursor(page, nanoseconds, shown) if len(rows) > query.limit else None
    return LogPage(range=question.range_out(), logs=page, next_cursor=next_cursor)


def _filter(query: LogQuery) -> tuple[list[str], dict[str, Any]]:
    """The conditions of what is given, and what they bind."""
    given: dict[str, Any] = query.model_dump(include=set(_CONDITIONS), exclude_none=True)
    conditions = [_CONDITIONS[name] for name in given]
    if query.cursor:
        conditions.append(_UP_TO_CURSOR)
    if query.attribute:
        key, _, value = query.attribute.partition("=")
        conditions.append(_has_attribute(key, value))
        given |= {"attribute_key": key, "attribute_value": value}
    return conditions, given


def _has_attribute(key: str, value: str) -> str:
    """An attribute that has a column is not in the map; an empty column stands for none."""
    columns = [each.column for each in LOG_COLUMNS if value and key in each.attributes]
    return f"({' OR '.join([*_IN_MAPS, *(f'{each} = {{attribute_value:String}}' for each in columns)])})"


def _cursor(page: list[LogRecord], nanoseconds: int, shown: int) -> str:
    last = page[-1].time_unix_nano
    of_the_moment = sum(record.time_unix_nano == last for record in page)
    return f"{last}.{of_the_moment + (shown if int(last) == nanoseconds else 0)}"


def _position(cursor: str | None) -> tuple[int, int]:
    """The time of the last record shown, and how many of that moment were."""
    if cursor is None:
        return 0, 0
    match: re.Match[str] | None = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidError("This cursor is from no page: leave it out to begin with the newest.")
    return int(match[1]), int(match[2])
