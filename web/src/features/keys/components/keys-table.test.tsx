// @vitest-environment jsdom
import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";

import type { ApiKey } from "../api/get-keys";
import { KeysTable } from "./keys-table";

const key: ApiKey = {
  id: 1,
  prefix: "mcpobs_live_AbCd1234",
  environment: "live",
  created_at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
  last_used_at: null,
  revoked_at: null,
};

const cells = () => {
  const row = screen.getAllByRole("row")[1] ?? document.body;
  return within(row)
    .getAllByRole("cell")
    .map((cell) => cell.textContent.replaceAll("\u00a0", " "));
};

test("a key that was never used says so", () => {
  render(<KeysTable keys={[key]} />);
  expect(cells()).toEqual(["mcpobs_live_AbCd1234…", "live", "3 h ago", "never"]);
});

test("a revoked key says so in words and when it was last used", () => {
  const used = new Date(Date.now() - 5 * 60_000).toISOString();
  render(<KeysTable keys={[{ ...key, last_used_at: used, revoked_at: used }]} />);
  expect(cells()[0]).toBe("mcpobs_live_AbCd1234…revoked");
  expect(cells()[3]).toBe("5 min ago");
});

test("no keys are said in words", () => {
  render(<KeysTable keys={[]} />);
  expect(screen.getByText("This server has no API key yet.")).toBeDefined();
});
