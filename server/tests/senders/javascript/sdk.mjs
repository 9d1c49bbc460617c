// OpenTelemetry's JavaScript SDK and its exporters: each line on stdin is a plan (sender.py), on stdout what they say.
import { createInterface } from "node:readline";

import { DiagLogLevel, SpanKind, SpanStatusCode, ValueType, diag } from "@opentelemetry/api";
import { LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const EXPORTERS = {
  traces: ["trace", "OTLPTraceExporter"],
  metrics: ["metrics", "OTLPMetricExporter"],
  logs: ["logs", "OTLPLogExporter"],
};
const PACKAGES = { "http/protobuf": "proto", "http/json": "http", grpc: "grpc" };
const SCOPE = ["javascript", "1.0"];

let heard = [];
const hear = (...words) => heard.push(words.join(" "));
const silence = () => {};
diag.setLogger({ error: hear, warn: hear, info: silence, debug: silence, verbose: silence }, DiagLogLevel.WARN);

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

// Of an item: its number, and what makes it long or deep.
function attributes(plan, number) {
  let deep = "x";
  for (let level = 0; level < plan.depth; level++) deep = [deep];
  return {
    number,
    ...(plan.text_bytes && { text: "x".repeat(plan.text_bytes) }),
    ...(plan.depth && { deep }),
  };
}

const hrTime = (milliseconds) => [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];

const ITEMS = {
  // A failed call of a tool at each of these times.
  traces(plan, times) {
    const tracer = new NodeTracerProvider().getTracer(...SCOPE);
    return times.map((began, number) => {
      const span = tracer.startSpan("tools/call add", { kind: SpanKind.SERVER, startTime: began });
      span.setAttributes({ "mcp.method.name": "tools/call", "gen_ai.tool.name": "add" });
      span.setAttributes({ zero: 0, half: 0.5, no: false, empty: "", list: ["a", "b"] });
      span.setAttributes(attributes(plan, number));
      span.addEvent("started", { attempt: 1 }, began);
      span.setStatus({ code: SpanStatusCode.ERROR, message: "broken" });
      span.end(began + 20);
      return span;
    });
  },

  // Three calls counted until each of these times.
  async metrics(plan, times) {
    const reader = new Reader();
    const meter = new MeterProvider({ readers: [reader] }).getMeter(...SCOPE);
    const counter = meter.createCounter("tool.calls", { unit: "{call}", valueType: ValueType.INT });
    times.forEach((_, number) => counter.add(3, attributes(plan, number)));
    const { resourceMetrics } = await reader.collect();
    if (times.length === 0) resourceMetrics.scopeMetrics = [{ scope: { name: SCOPE[0] }, metrics: [] }];
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      metric.dataPoints.forEach((point, index) => {
        point.startTime = hrTime(times[index] - 1000);
        point.endTime = hrTime(times[index]);
      });
    }
    return resourceMetrics;
  },

  // A tool's result at each of these times.
  logs(plan, times) {
    const records = [];
    const processor = { onEmit: (record) => records.push(record), async forceFlush() {}, async shutdown() {} };
    const logger = new LoggerProvider({ processors: [processor] }).getLogger(...SCOPE);
    times.forEach((timestamp, number) =>
      logger.emit({ timestamp, body: "called", eventName: "tool_result", attributes: attributes(plan, number) }),
    );
    return records;
  },
};

// One for each signal, until the environment changes from which they configure themselves.
const open = {};

async function exporterOf(plan, signal) {
  const setting = JSON.stringify([plan.protocol, plan.environment]);
  if (open[signal]?.setting !== setting) {
    await open[signal]?.exporter.shutdown();
    const [name, kind] = EXPORTERS[signal];
    const exporters = await import(`@opentelemetry/exporter-${name}-otlp-${PACKAGES[plan.protocol]}`);
    open[signal] = { setting, exporter: new exporters[kind]() };
  }
  return open[signal].exporter;
}

async function exportItems(plan, signal) {
  const now = Date.now();
  const items = await ITEMS[signal](plan, plan.ages.map((age) => now - age * 1000));
  const exporter = await exporterOf(plan, signal);
  const { code, error } = await new Promise((resolve) => exporter.export(items, resolve));
  if (error) hear(error.code, error.message, error.data);
  return [signal, { outcome: code === 0 ? "success" : "failure", said: heard.join("\n") }];
}

for await (const line of createInterface({ input: process.stdin })) {
  const plan = JSON.parse(line);
  delete process.env.OTEL_EXPORTER_OTLP_COMPRESSION;
  Object.assign(process.env, plan.environment);
  heard = [];
  const said = await Promise.all(plan.signals.map((signal) => exportItems(plan, signal)));
  console.log(JSON.stringify(Object.fromEntries(said)));
}
