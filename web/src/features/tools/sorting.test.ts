import { expect, test } from "vitest";

import type { Tool } from "./api/get-tools";
import { pressed, sortTools } from "./sorting";

const tool = (name: string, calls: number, p95: number | null): Tool => ({
  name,
  calls,
  errors: 0,
  error_rate: 0,
  p50_ms: p95,
  p95_ms: p95,
  p99_ms: p95,
  active_users: 1,
  last_call_at: "2026-03-01T12:00:00Z",
  trend: [calls],
});
const tools = [tool("b", 5, null), tool("a", 9, 20), tool("c", 7, 300)];
const names = (sorted: readonly Tool[]) => sorted.map(({ name }) => name).join("");

test("numbers and names are put in order", () => {
  expect(names(sortTools(tools, { key: "calls", descending: true }))).toBe("acb");
  expect(names(sortTools(tools, { key: "name", descending: false }))).toBe("abc");
});

test("tools without a latency come last both ways", () => {
  expect(names(sortTools(tools, { key: "p95_ms", descending: true }))).toBe("cab");
  expect(names(sortTools(tools, { key: "p95_ms", descending: false }))).toBe("acb");
});

test("a second press turns the order round", () => {
  const first = pressed({ key: "calls", descending: true }, "errors");
  expect(first).toEqual({ key: "errors", descending: true });
  expect(pressed(first, "errors")).toEqual({ key: "errors", descending: false });
  expect(pressed(first, "name")).toEqual({ key: "name", descending: false });
});
