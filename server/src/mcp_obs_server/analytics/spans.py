"""Which spans are like this? Newest first, a page at a time."""

import re
from typing import Any

from mcp_obs_server.analytics.scope import Question
from mcp_obs_server.analytics.span_row import SUMMARY, TARGET, summary
from mcp_obs_server.analytics.span_schemas import SpanPage, SpanQuery, SpanSummary
from mcp_obs_server.kit.errors import InvalidError
from mcp_obs_server.store import TelemetryStore

_IN_SCOPE = (
    "org_id = {org_id:UInt32} AND server_id = {server_id:UInt32}"
    " AND time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')}"
)
_CONTAINS = "positionCaseInsensitiveUTF8({}, {{text:String}}) > 0"
_CONDITIONS = {
    "method": "method = {method:String}",
    "target": f"{TARGET} = {{target:String}}",
    "outcome": "outcome = {outcome:String}",
    "error_type": "error_type = {error_type:String}",
    "session_id": "session_id = {session_id:String}",
    "user_id": "user_id = {user_id:String}",
    "client_name": "client_name = {client_name:String}",
    "text": (
        f"({_CONTAINS.format('name')} OR {_CONTAINS.format('status_message')}"
        f" OR {_CONTAINS.format('resource_uri')}"
        f" OR arrayExists(value -> {_CONTAINS.format('value')}, mapValues(attributes)))"
    ),
}
# The first comparison is by the sorting key, so that only what is older is read.
_AFTER_CURSOR = (
    "time <= fromUnixTimestamp64Nano({nanoseconds:Int64}, 'UTC')"
    " AND (time, trace_id, span_id)"
    " < (fromUnixTimestamp64Nano({nanoseconds:Int64}, 'UTC'), unhex({trace_id:String}), unhex({span_id:String}))"
)
# Begins as the sorting key does, so that no more is read than the page needs.
_NEWEST_FIRST = "toDateTime(time) DESC, time DESC, trace_id DESC, span_id DESC"
_CURSOR = re.compile(r"(\d{1,18}|[1-8]\d{18})\.([0-9a-f]{32})\.([0-9a-f]{16})", re.ASCII)


async def spans(store: TelemetryStore, question: Question, query: SpanQuery) -> SpanPage:
    """The newest spans after the cursor. Raises InvalidError for a cursor that no page gave."""
    given = query.model_dump(include=set(_CONDITIONS), exclude_none=True)
    parameters = {**question.parameters(question.range.start), **given, **_position(query.cursor)}
    conditions = [_IN_SCOPE, *(_CONDITIONS[name] for name in given)]
    if query.cursor:
        conditions.append(_AFTER_CURSOR)
    sql = f"""
SELECT {SUMMARY}
FROM spans
WHERE {" AND ".join(conditions)}
ORDER BY {_NEWEST_FIRST}
LIMIT {query.limit + 1}
"""
    rows = [summary(row) for row in await store.rows(sql, parameters)]
    page = rows[: query.limit]
    next_cursor = _cursor(page[-1]) if len(rows) > query.limit else None
    return SpanPage(range=question.range_out(), spans=page, next_cursor=next_cursor)


def _cursor(last: SpanSummary) -> str:
    return f"{last.time_unix_nano}.{last.trace_id}.{last.span_id}"


def _position(cursor: str | None) -> dict[str, Any]:
    if cursor is None:
        return {}
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidError("This cursor is from no page: leave it out to begin with the newest.")
    return {"nanoseconds": int(match[1]), "trace_id": match[2], "span_id": match[3]}
