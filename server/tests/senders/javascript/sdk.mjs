// OpenTelemetry's JavaScript SDK and one of its span exporters: `node sdk.mjs json|protobuf|grpc`.
// Each line on stdin is how many seconds ago a span began; the line on stdout is what the exporter says of it.
import { createInterface } from "node:readline";

import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const Exporter = { json: JsonExporter, protobuf: ProtobufExporter, grpc: GrpcExporter }[process.argv[2]];
const exporter = new Exporter();
const tracer = new NodeTracerProvider().getTracer("javascript");

for await (const line of createInterface({ input: process.stdin })) {
  const span = tracer.startSpan("tools/call add", { startTime: Date.now() - Number(line) * 1000 });
  span.end();
  const { code } = await new Promise((resolve) => exporter.export([span], resolve));
  console.log(code === 0 ? "success" : "failure");
}
await exporter.shutdown();
