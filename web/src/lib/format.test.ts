import { describe, expect, test } from "vitest";

import {
  formatAgo,
  formatBucket,
  formatCompact,
  formatCount,
  formatDuration,
  formatDurationTick,
  formatPercent,
  formatPercentTick,
} from "./format";

const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, " ");

describe("counts", () => {
  test.each([
    [null, "–"],
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [9999, "9,999"],
    [10_000, "10k"],
    [12_345, "12.3k"],
    [999_949, "999.9k"],
    [999_950, "1M"],
    [4_500_000, "4.5M"],
    [2_000_000_000, "2B"],
  ])("%s is written %s", (count, text) => expect(formatCount(count)).toBe(text));

  test.each([
    [0.5, "0.5"],
    [950, "950"],
    [1500, "1.5k"],
    [1_000_000, "1M"],
  ])("%s on an axis is written %s", (count, text) => expect(formatCompact(count)).toBe(text));
});

describe("durations", () => {
  test.each([
    [null, "–"],
    [0, "0 ms"],
    [0.04, "0.04 ms"],
    [0.8, "0.8 ms"],
    [9.94, "9.9 ms"],
    [9.95, "10 ms"],
    [340.4, "340 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [1240, "1.2 s"],
    [99_940, "99.9 s"],
    [210_000, "3.5 min"],
    [3_598_000, "1.0 h"],
  ])("%s ms is written %s", (ms, text) => expect(plain(formatDuration(ms))).toBe(text));

  test.each([
    [0, "0"],
    [500, "500 ms"],
    [2000, "2 s"],
    [2500, "2.5 s"],
  ])("%s ms on an axis is written %s", (ms, text) => expect(plain(formatDurationTick(ms))).toBe(text));
});

describe("shares", () => {
  test.each([
    [null, "–"],
    [0, "0 %"],
    [0.000_01, "<0.01 %"],
    [0.0042, "0.42 %"],
    [0.042, "4.2 %"],
    [0.2, "20.0 %"],
    [0.9999, "99.9 %"],
    [1, "100 %"],
  ])("%s is written %s", (fraction, text) => expect(plain(formatPercent(fraction))).toBe(text));

  test("an axis has no needless digits", () => {
    expect([0, 0.005, 0.2, 1].map((tick) => plain(formatPercentTick(tick)))).toEqual([
      "0",
      "0.5 %",
      "20 %",
      "100 %",
    ]);
  });
});

describe("times", () => {
  const now = new Date("2026-03-01T12:00:00Z");

  test.each([
    ["2026-03-01T12:00:05Z", "now"],
    ["2026-03-01T11:59:52Z", "8 s ago"],
    ["2026-03-01T11:55:00Z", "5 min ago"],
    ["2026-03-01T10:00:01Z", "1 h ago"],
    ["2026-02-26T12:00:00Z", "3 d ago"],
  ])("%s was %s", (then, text) => expect(plain(formatAgo(new Date(then), now))).toBe(text));

  test("a bucket is named by its local day and both its ends", () => {
    // 09:00 UTC is 14:30 in the tests' zone.
    const name = plain(formatBucket(Date.parse("2026-03-01T09:00:00Z"), 900));
    expect(name).toContain("Mar");
    expect(name).toMatch(/0?2:30.*0?2:45|14:30.*14:45/);
  });
});
