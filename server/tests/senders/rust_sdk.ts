// OpenTelemetry's Rust SDK and its exporters, out of Deno, which exports at its end: `deno run rust_sdk.ts PLAN`.
const plan = JSON.parse(Deno.args[0]);
const { tracerProvider, meterProvider } = Deno.telemetry;
const scope = ["rust", "1.0"];
const now = Date.now();
const counter = meterProvider.getMeter(...scope).createCounter("tool.calls", { unit: "{call}" });

plan.ages.forEach((age, number) => {
  const attributes = { number, text: "x".repeat(plan.text_bytes) };
  const began = now - age * 1000;
  if (plan.signals.includes("traces")) {
    const tracer = tracerProvider.getTracer(...scope);
    const span = tracer.startSpan("tools/call add", { kind: 1, startTime: began, attributes });
    span.end(began + 20);
  }
  if (plan.signals.includes("metrics")) counter.add(3, attributes);
  if (plan.signals.includes("logs")) console.log("called" + attributes.text);
});
