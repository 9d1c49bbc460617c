// OpenTelemetry's JavaScript SDK with its own exporters: `node export.mjs json|protobuf`.
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const exporter = process.argv[2] === "json" ? new JsonExporter() : new ProtobufExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
const tracer = provider.getTracer("javascript", "1.0");

const parent = tracer.startSpan("tools/call add", {
  kind: SpanKind.SERVER,
  attributes: {
    "mcp.method.name": "tools/call",
    "gen_ai.tool.name": "add",
    zero: 0,
    half: 0.5,
    no: false,
    empty: "",
    list: ["a", "b"],
  },
});
parent.addEvent("started", { attempt: 1 });
parent.setStatus({ code: SpanStatusCode.ERROR, message: "broken" });
parent.end();
await provider.shutdown();
