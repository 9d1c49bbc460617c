"""Lists in lists and maps in maps, deeper than any library would write them, wherever OTLP has an attribute."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mcp_obs_server.ingest.logs import LOGS
from mcp_obs_server.ingest.metrics import METRICS
from mcp_obs_server.ingest.signal import Signal
from mcp_obs_server.ingest.traces import TRACES
from mcp_obs_server.ingest.wire import LENGTH_DELIMITED, varint
from otlp_ways import as_json, sample

_HERE = '{"stringValue": "here"}'
# Of KeyValue, AnyValue, ArrayValue and KeyValueList.
_KEY, _VALUE = 1, 2
_STRING, _ARRAY, _MAP = 1, 5, 6
_VALUES = 1


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def nested(levels: int, is_map: bool) -> bytes:
    """An AnyValue of so many lists or maps in each other."""
    parts = [_field(_STRING, b"x")]
    size = len(parts[0])

    def put_before(part: bytes) -> None:
        nonlocal size
        parts.append(part)
        size += len(part)

    def put_around(number: int) -> None:
        put_before(varint(number << 3 | LENGTH_DELIMITED) + varint(size))

    for _ in range(levels):
        if is_map:
            put_around(_VALUE)
            put_before(_field(_KEY, b"k"))
        put_around(_VALUES)
        put_around(_MAP if is_map else _ARRAY)
    return b"".join(reversed(parts))


def _nested_json(levels: int, is_map: bool) -> str:
    opening = '{"kvlistValue":{"values":[{"key":"k","value":' if is_map else '{"arrayValue":{"values":['
    closing = "}]}}" if is_map else "]}}"
    return opening * levels + '{"stringValue":"x"}' + closing * levels


def _attribute(number: int, value: bytes) -> bytes:
    return _field(number, _field(_KEY, b"deep") + _field(_VALUE, value))


def _request(item: bytes, resource: bytes = b"", scope: bytes = b"") -> bytes:
    """The field numbers are the same for every signal."""
    return _field(1, _field(1, resource) + _field(2, _field(1, scope) + _field(2, item)))


def _span() -> bytes:
    return sample(TRACES, 1).resource_spans[0].scope_spans[0].spans[0].SerializeToString()


def _record(without: str = "") -> bytes:
    record = sample(LOGS, 1).resource_logs[0].scope_logs[0].log_records[0]
    if without:
        record.ClearField(without)
    return record.SerializeToString()


def _metric(in_metric: bytes = b"", in_point: bytes = b"") -> bytes:
    metric: Any = sample(METRICS, 1).resource_metrics[0].scope_metrics[0].metrics[0]
    point = metric.sum.data_points[0].SerializeToString() + in_point
    del metric.sum.data_points[:]
    # A parser merges the sum's two pieces.
    return metric.SerializeToString() + in_metric + _field(7, _field(1, point))


PLACES: Mapping[str, tuple[Signal, Callable[[bytes], bytes]]] = {
    "span": (TRACES, lambda value: _request(_span() + _attribute(9, value))),
    "event": (TRACES, lambda value: _request(_span() + _field(11, _attribute(3, value)))),
    "link": (TRACES, lambda value: _request(_span() + _field(13, _attribute(4, value)))),
    "resource": (TRACES, lambda value: _request(_span(), resource=_attribute(1, value))),
    "scope": (TRACES, lambda value: _request(_span(), scope=_attribute(3, value))),
    "record": (LOGS, lambda value: _request(_record() + _attribute(6, value))),
    "body": (LOGS, lambda value: _request(_record(without="body") + _field(5, value))),
    "metric": (METRICS, lambda value: _request(_metric(in_metric=_attribute(12, value)))),
    "point": (METRICS, lambda value: _request(_metric(in_point=_attribute(7, value)))),
    "exemplar": (METRICS, lambda value: _request(_metric(in_point=_field(5, _attribute(7, value))))),
}
"""Where a value may stand: the signal, and an export of one item with a value there."""


def deep_export(place: str, levels: int, is_map: bool, is_json: bool) -> bytes:
    """An export with a value of so many levels at this place; its key is `deep`."""
    signal, around = PLACES[place]
    if not is_json:
        return around(nested(levels, is_map))
    shallow = signal.request.FromString(around(_field(_STRING, b"here")))
    return json.dumps(as_json(shallow)).replace(_HERE, _nested_json(levels, is_map)).encode()
