// OpenTelemetry's Rust SDK and its exporters, in Deno, which exports when it ends: `deno run rust_sdk.ts PLAN` (sender.py).
const plan = JSON.parse(Deno.args[0]);
const { tracerProvider, meterProvider } = Deno.telemetry;
const tracer = tracerProvider.getTracer("rust", "1.0");
const counter = meterProvider.getMeter("rust", "1.0").createCounter("tool.calls", { unit: "{call}" });
const now = Date.now();

plan.ages.forEach((age: number, number: number) => {
  const attributes = { number, ...(plan.text_bytes && { text: "x".repeat(plan.text_bytes) }) };
  const began = now - age * 1000;
  if (plan.signals.includes("traces")) {
    const span = tracer.startSpan("tools/call add", { kind: 1, startTime: began });
    span.setAttributes({ "mcp.method.name": "tools/call", "gen_ai.tool.name": "add" });
    span.setAttributes({ zero: 0, half: 0.5, no: false, empty: "", list: ["a", "b"] });
    span.setAttributes(attributes);
    span.addEvent("started", { attempt: 1 }, began);
    span.setStatus({ code: 2, message: "broken" });
    span.end(began + 20);
  }
  if (plan.signals.includes("metrics")) counter.add(3, attributes);
  if (plan.signals.includes("logs")) console.log(attributes.text ?? "called");
});
