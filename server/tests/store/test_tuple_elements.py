import re

from inline_snapshot import snapshot

from mcp_obs_server.store.statement import STRING_OR_COMMENT
from mcp_obs_server.store.tuple_elements import by_function
from mcp_obs_server.store.views import VIEWS


def test_a_dotted_name_becomes_nested_calls() -> None:
    assert by_function("SELECT span.name, span.status.code AS code FROM t", "span") == snapshot(
        "SELECT tupleElement(span, 'name'), tupleElement(tupleElement(span, 'status'), 'code') AS code FROM t"
    )


def test_what_only_looks_like_it_stays() -> None:
    sql = r"""
SELECT 'span.name', 'it\'s span.name', e.span.name, other_span.name, spans.name, span
-- Of a sender's span.name, and
FROM t WHERE note = 'span.name'
"""
    assert by_function(sql, "span") == sql


def test_each_tuple_named_is_rewritten_and_no_other() -> None:
    assert by_function("[scope_spans.scope.name, span.flags, link.flags]", "span", "scope_spans") == snapshot(
        "[tupleElement(tupleElement(scope_spans, 'scope'), 'name'), tupleElement(span, 'flags'), link.flags]"
    )


def test_a_name_ends_where_it_ends() -> None:
    assert by_function("span.p99+span.status.code2", "span") == snapshot(
        "tupleElement(span, 'p99')+tupleElement(tupleElement(span, 'status'), 'code2')"
    )


def test_the_views_that_decode_have_no_dotted_name_of_what_they_decode() -> None:
    decoding = {name: view for name, view in VIEWS.items() if "_to_decoded_" in name}
    # An element of these is named in a lambda, which is planned apart.
    in_lambdas = "kelpv"
    dotted = re.compile(rf"{STRING_OR_COMMENT}|(?<![\w.])(?![{in_lambdas}]\.)(?P<name>[a-z_]+\.\w+)")

    assert {
        name: [found["name"] for found in dotted.finditer(view) if found["name"]]
        for name, view in decoding.items()
    } == {
        "otlp_traces_to_decoded_spans": [],
        "otlp_metrics_to_decoded_metric_points": [],
        "otlp_logs_to_decoded_logs": [],
    }
