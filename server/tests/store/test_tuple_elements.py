from inline_snapshot import snapshot

from mcp_obs_server.store.tuple_elements import by_function


def test_a_dotted_name_becomes_nested_calls() -> None:
    assert by_function("SELECT span.name, span.status.code AS code FROM t", "span") == snapshot(
        "SELECT tupleElement(span, 'name'), tupleElement(tupleElement(span, 'status'), 'code') AS code FROM t"
    )


def test_what_only_looks_like_it_stays() -> None:
    sql = r"SELECT 'span.name', 'it\'s span.name', e.span.name, other_span.name, spans.name, span FROM t"
    assert by_function(sql, "span") == sql


def test_each_tuple_named_is_rewritten_and_no_other() -> None:
    assert by_function("[scope_spans.scope.name, span.flags, link.flags]", "span", "scope_spans") == snapshot(
        "[tupleElement(tupleElement(scope_spans, 'scope'), 'name'), tupleElement(span, 'flags'), link.flags]"
    )
