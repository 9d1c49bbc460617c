// @vitest-environment jsdom
import { render, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Problem } from "../problems";
import { ProblemList } from "./problem-list";

const problem: Problem = {
  signal: "traces",
  reason: "malformed",
  items: 0,
  exports: 2,
  last_at: new Date().toISOString(),
  last_message: "The body is not JSON.",
};

const REASONS: readonly Problem["reason"][] = [
  "bad_trace_id",
  "bad_span_id",
  "too_old",
  "malformed",
  "slow",
  "too_large",
  "quota",
];
const problems = REASONS.map((reason) => Object.assign({}, problem, { reason }));

test("a problem says what it is, how much, what to do and what the sender was told", () => {
  render(<ProblemList problems={[problem]} />);
  const item = within(screen.getByRole("listitem"));
  expect(item.getByRole("heading").textContent).toBe("Not OTLP");
  expect(item.getByText("2 exports")).toBeDefined();
  expect(item.getByText(/^Check that an OpenTelemetry exporter/)).toBeDefined();
  expect(item.getByText("The body is not JSON.")).toBeDefined();
});

test("many start with the latest five and open to all, each explained", async () => {
  render(<ProblemList problems={problems} />);
  expect(screen.getAllByRole("listitem")).toHaveLength(5);
  await userEvent.click(screen.getByRole("button", { name: `Show all ${problems.length} reasons` }));
  const titles = screen.getAllByRole("heading").map((heading) => heading.textContent);
  expect(new Set(titles).size).toBe(problems.length);
});

test("what a sender put into a message stays text", () => {
  render(<ProblemList problems={[{ ...problem, last_message: "<img src=x onerror=alert(1)>" }]} />);
  expect(screen.getByText("<img src=x onerror=alert(1)>")).toBeDefined();
  expect(document.querySelector("img")).toBeNull();
});
