from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from inline_snapshot import snapshot

from mcp_obs import semconv
from mcp_obs_server.commands.demo.catalogue import CATALOGUE, Failure, ServerName
from mcp_obs_server.commands.demo.history import GeneratedSpan, generate, nanoseconds

END = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)  # a Friday
START = END - timedelta(days=7)
HOUR = 3600 * 10**9


def week_of(server: ServerName) -> list[GeneratedSpan]:
    return list(generate(server, START, END, seed=1))


def test_the_same_arguments_give_the_same_past() -> None:
    assert week_of("shop") == week_of("shop")


def test_another_seed_gives_another_past() -> None:
    assert next(generate("shop", START, END, seed=1)) != next(generate("shop", START, END, seed=2))


def test_a_span_over_http_carries_what_the_sdk_writes() -> None:
    calls = (span for span in generate("shop", START, END, seed=1) if span.name.startswith("tools/call"))
    assert list(islice(calls, 2)) == snapshot(
        [
            GeneratedSpan(
                name="tools/call recommend",
                trace_id=b"\xef[\xb7\x8c/\x8f\x16x&\xe1F\xed\x06qp\x98",
                span_id=b"\xea_K\x11\nj\x8cC",
                start=1794573466666850000,
                end=1794573466856170704,
                failure=None,
                attributes={
                    "mcp.method.name": "tools/call",
                    "mcp.protocol.version": "2026-07-28",
                    "mcp.client.name": "claude-code",
                    "mcp.client.version": "2.4.1",
                    "network.transport": "tcp",
                    "mcp_obs.request.size": 50,
                    "mcp_obs.operation.outcome": "ok",
                    "mcp_obs.generated": True,
                    "jsonrpc.request.id": "2",
                    "network.protocol.name": "http",
                    "network.protocol.version": "1.1",
                    "client.address": "198.51.100.10",
                    "client.port": 58397,
                    "enduser.id": "ana@acme.example",
                    "enduser.scope": "shop:order",
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "recommend",
                    "mcp_obs.response.size": 421,
                },
            ),
            GeneratedSpan(
                name="tools/call add_to_cart",
                trace_id=b"\x86\xfe\xb76sad\xd5\x8e\x8a\xbds-O4\xbc",
                span_id=b"\xb1\xbcQ+|W \xdc",
                start=1794573476644734000,
                end=1794573476659143930,
                failure=None,
                attributes={
                    "mcp.method.name": "tools/call",
                    "mcp.protocol.version": "2026-07-28",
                    "mcp.client.name": "claude-code",
                    "mcp.client.version": "2.4.1",
                    "network.transport": "tcp",
                    "mcp_obs.request.size": 63,
                    "mcp_obs.operation.outcome": "ok",
                    "mcp_obs.generated": True,
                    "jsonrpc.request.id": "3",
                    "network.protocol.name": "http",
                    "network.protocol.version": "1.1",
                    "client.address": "198.51.100.10",
                    "client.port": 58397,
                    "enduser.id": "ana@acme.example",
                    "enduser.scope": "shop:order",
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "add_to_cart",
                    "mcp_obs.response.size": 490,
                },
            ),
        ]
    )


def test_a_failed_span_over_stdio_has_no_user_and_no_session() -> None:
    failed = (span for span in generate("notes", START, END, seed=1) if span.failure is not None)
    assert next(failed) == snapshot(
        GeneratedSpan(
            name="tools/call append_to_note",
            trace_id=b"8\xd9\xed\xef\xf2\t\xea\xdcV1,\x97\xc1\xe0J=",
            span_id=b"om\xc4\x0e\x0b\xdd\x936",
            start=1794575048184880000,
            end=1794575048198891901,
            failure=Failure(type="PermissionError", message="'Roadmap' is locked"),
            attributes={
                "mcp.method.name": "tools/call",
                "mcp.protocol.version": "2025-11-25",
                "mcp.client.name": "claude-code",
                "mcp.client.version": "2.4.1",
                "network.transport": "pipe",
                "mcp_obs.request.size": 79,
                "mcp_obs.operation.outcome": "error",
                "mcp_obs.generated": True,
                "jsonrpc.request.id": "13",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "append_to_note",
                "mcp_obs.response.size": 222,
                "error.type": "tool_error",
            },
        )
    )


def test_a_session_over_stateful_http_starts_with_initialize() -> None:
    spans = generate("weather", START, END, seed=1)
    session = next(span for span in spans if span.name == "initialize")
    following = list(islice(spans, 3))
    assert semconv.MCP_SESSION_ID not in session.attributes
    assert [span.name for span in following][:2] == ["notifications/initialized", "tools/list"]
    assert len({span.attributes[semconv.MCP_SESSION_ID] for span in following}) == 1


def test_every_span_lies_in_the_range_and_is_marked_as_generated() -> None:
    for server in CATALOGUE:
        for span in week_of(server):
            assert nanoseconds(START) <= span.start < span.end < nanoseconds(END)
            assert span.attributes[semconv.MCP_OBS_GENERATED] is True


def test_days_are_busier_than_nights_and_weekends() -> None:
    spans = week_of("weather")
    hours = Counter(datetime.fromtimestamp(span.start / 1e9, UTC).hour for span in spans)
    weekdays = Counter(datetime.fromtimestamp(span.start / 1e9, UTC).weekday() for span in spans)
    assert hours[14] > 5 * hours[2]
    assert weekdays[1] > 2 * weekdays[6]  # Tuesday, Sunday


def test_an_incident_shows_as_errors_and_as_slowness() -> None:
    checkouts = [span for span in week_of("shop") if span.name == "tools/call checkout"]
    began = nanoseconds(END - timedelta(hours=62))
    inside = [span for span in checkouts if began <= span.start < began + 4 * HOUR]
    outside = [span for span in checkouts if not began <= span.start < began + 4 * HOUR]
    assert error_rate(inside) > 0.3 > 0.1 > error_rate(outside)
    assert mean_duration(inside) > 3 * mean_duration(outside)


def test_people_come_back_and_their_number_grows() -> None:
    spans = week_of("weather")
    middle = nanoseconds(END - timedelta(days=3.5))
    early = {span.attributes[semconv.ENDUSER_ID] for span in spans if span.start < middle}
    late = {span.attributes[semconv.ENDUSER_ID] for span in spans if span.start >= middle}
    assert len(early & late) > 0.9 * len(early)
    assert len(late) > len(early)


def error_rate(spans: list[GeneratedSpan]) -> float:
    return sum(span.failure is not None for span in spans) / len(spans)


def mean_duration(spans: list[GeneratedSpan]) -> float:
    return sum(span.end - span.start for span in spans) / len(spans)
