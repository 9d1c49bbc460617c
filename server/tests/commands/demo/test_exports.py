from google.protobuf.json_format import MessageToDict
from inline_snapshot import snapshot

from mcp_obs_server.commands.demo.catalogue import Failure
from mcp_obs_server.commands.demo.exports import BATCH, batches, request
from mcp_obs_server.commands.demo.history import GeneratedSpan

SPAN = GeneratedSpan(
    name="tools/call checkout",
    trace_id=bytes(range(16)),
    span_id=bytes(range(8)),
    start=1_000_000_000,
    end=1_250_000_000,
    failure=Failure("TimeoutError", "too late"),
    attributes={"mcp.method.name": "tools/call", "mcp_obs.request.size": 41, "mcp_obs.generated": True},
)


def test_a_span_becomes_otlp_with_the_types_of_its_values() -> None:
    assert MessageToDict(request("shop", [SPAN])) == snapshot(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
                    "scopeSpans": [
                        {
                            "scope": {"name": "mcp_obs", "version": "0.1.0"},
                            "spans": [
                                {
                                    "traceId": "AAECAwQFBgcICQoLDA0ODw==",
                                    "spanId": "AAECAwQFBgc=",
                                    "name": "tools/call checkout",
                                    "kind": "SPAN_KIND_SERVER",
                                    "startTimeUnixNano": "1000000000",
                                    "endTimeUnixNano": "1250000000",
                                    "attributes": [
                                        {"key": "mcp.method.name", "value": {"stringValue": "tools/call"}},
                                        {"key": "mcp_obs.request.size", "value": {"intValue": "41"}},
                                        {"key": "mcp_obs.generated", "value": {"boolValue": True}},
                                    ],
                                    "events": [
                                        {
                                            "timeUnixNano": "1250000000",
                                            "name": "exception",
                                            "attributes": [
                                                {
                                                    "key": "exception.type",
                                                    "value": {"stringValue": "TimeoutError"},
                                                },
                                                {
                                                    "key": "exception.message",
                                                    "value": {"stringValue": "too late"},
                                                },
                                            ],
                                        }
                                    ],
                                    "status": {"message": "too late", "code": "STATUS_CODE_ERROR"},
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    )


def test_spans_are_cut_into_bounded_exports() -> None:
    assert [len(batch) for batch in batches([SPAN] * (BATCH + 1))] == [BATCH, 1]
