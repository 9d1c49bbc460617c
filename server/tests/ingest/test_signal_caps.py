"""What is too much of a metric or a log record is cut and named; spans have their own in test_span_caps."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from mcp_obs_server.ingest.caps import MAX_COUNT, MAX_KEY_BYTES, MAX_VALUE_BYTES, TRUNCATED
from mcp_obs_server.ingest.log_caps import cap_logs
from mcp_obs_server.ingest.metric_caps import cap_metrics
from otlp_exports import NOW, counter, logs_export, metrics_export
from otlp_strategies import logs_requests, metrics_requests

MANY = {f"k{number}": "v" for number in range(MAX_COUNT + 2)}


def names(attributes: Iterable[KeyValue]) -> list[str]:
    recorded = [each.value.array_value.values for each in attributes if each.key == TRUNCATED]
    return [value.string_value for values in recorded for value in values]


def test_a_log_record_is_cut_to_its_limits_and_says_so() -> None:
    request = logs_export(2, attributes=MANY)
    record, other = request.resource_logs[0].scope_logs[0].log_records
    del other.attributes[:]
    untouched = other.SerializeToString()
    record.event_name = "e" * (MAX_KEY_BYTES + 1)
    record.severity_text = "s" * (MAX_KEY_BYTES + 1)
    record.body.string_value = "b" * (MAX_VALUE_BYTES + 1)
    assert cap_logs(request, request.SerializeToString())
    assert names(record.attributes) == ["attributes", "body", "event_name", "severity_text"]
    assert len(record.attributes) == MAX_COUNT + 1
    assert record.dropped_attributes_count == 2
    assert len(record.event_name) == len(record.severity_text) == MAX_KEY_BYTES
    assert len(record.body.string_value) == MAX_VALUE_BYTES
    assert other.SerializeToString() == untouched


def test_a_metric_is_cut_to_its_limits_and_says_so() -> None:
    request = metrics_export(counter({NOW: 1, NOW + 1: 2}, attributes=MANY))
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.name = "n" * (MAX_KEY_BYTES + 1)
    metric.description = "d" * (MAX_KEY_BYTES + 1)
    metric.metadata.add(key="long").value.string_value = "v" * (MAX_VALUE_BYTES + 1)
    point, other = metric.sum.data_points
    del other.attributes[:]
    for _ in range(MAX_COUNT + 1):
        point.exemplars.add(as_int=1)
    point.exemplars[0].filtered_attributes.add(key="text").value.string_value = "v" * (MAX_VALUE_BYTES + 1)
    assert cap_metrics(request, request.SerializeToString())
    assert names(metric.metadata) == ["description", "long", "name"]
    assert names(point.attributes) == ["attributes", "exemplars", "exemplars.text"]
    assert (len(point.attributes), len(point.exemplars)) == (MAX_COUNT + 1, MAX_COUNT)
    assert len(metric.name) == len(metric.description) == MAX_KEY_BYTES
    assert not other.attributes


def test_what_a_resource_and_a_scope_say_is_cut_too() -> None:
    requests: list[Any] = [logs_export(1), metrics_export(counter({NOW: 1}))]
    for request, cap in zip(requests, (cap_logs, cap_metrics), strict=True):
        resource = (request.resource_logs if cap is cap_logs else request.resource_metrics)[0]
        scope = (resource.scope_logs if cap is cap_logs else resource.scope_metrics)[0].scope
        for key in MANY:
            resource.resource.attributes.add(key=key)
        scope.name = "n" * (MAX_KEY_BYTES + 1)
        assert cap(request, request.SerializeToString())
        assert names(resource.resource.attributes) == ["attributes"]
        assert names(scope.attributes) == ["name"]


@given(request=metrics_requests())
def test_ordinary_metrics_are_left_as_they_are(request: ExportMetricsServiceRequest) -> None:
    before = request.SerializeToString()
    assert not cap_metrics(request, before)
    assert request.SerializeToString() == before


@given(request=logs_requests())
def test_ordinary_logs_are_left_as_they_are(request: ExportLogsServiceRequest) -> None:
    before = request.SerializeToString()
    assert not cap_logs(request, before)
    assert request.SerializeToString() == before
