// @vitest-environment jsdom
import { render, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Tool } from "../api/get-tools";
import { ToolsTable } from "./tools-table";

const tools: Tool[] = Array.from({ length: 12 }, (_, index) => ({
  name: `tool_${index}`,
  calls: 100 - index,
  errors: index,
  error_rate: index / 100,
  p50_ms: index === 3 ? null : 10,
  p95_ms: 20,
  p99_ms: 30,
  active_users: 2,
  last_call_at: new Date().toISOString(),
  trend: [1, 2, 3],
}));

const rows = () => screen.getAllByRole("row").slice(1);
const firstTool = () => within(rows()[0] ?? document.body).getAllByRole("cell")[0]?.textContent;

test("the table starts with the ten most called and opens to all", async () => {
  render(<ToolsTable tools={tools} />);
  expect(rows()).toHaveLength(10);
  await userEvent.click(screen.getByRole("button", { name: "Show all 12 tools" }));
  expect(rows()).toHaveLength(12);
});

test("a heading sorts by its column and says so", async () => {
  render(<ToolsTable tools={tools} />);
  expect(firstTool()).toBe("tool_0");
  await userEvent.click(screen.getByRole("button", { name: "Errors" }));
  expect(firstTool()).toBe("tool_11");
  expect(screen.getByRole("columnheader", { name: "Errors" }).getAttribute("aria-sort")).toBe("descending");
  await userEvent.click(screen.getByRole("button", { name: "Errors" }));
  expect(firstTool()).toBe("tool_0");
});

test("a tool without a latency shows a dash", () => {
  render(<ToolsTable tools={tools.slice(3, 4)} />);
  expect(within(rows()[0] ?? document.body).getAllByRole("cell")[4]?.textContent).toBe("–");
});

test("no tools are said in words", () => {
  render(<ToolsTable tools={[]} />);
  expect(screen.getByText("No tool was called in this range.")).toBeDefined();
});
