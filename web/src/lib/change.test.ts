import { expect, test } from "vitest";

import { changeOf } from "./change";

const traffic = { rise: "neutral", unit: "relative" } as const;
const latency = { rise: "bad", unit: "relative" } as const;
const rate = { rise: "bad", unit: "points" } as const;

test("more traffic is neither good nor bad", () => {
  expect(changeOf(150, 100, traffic)).toEqual({ text: "50\u00a0%", direction: "up", tone: "neutral" });
  expect(changeOf(50, 100, traffic)).toEqual({ text: "50\u00a0%", direction: "down", tone: "neutral" });
});

test("a clearly higher latency is bad and a clearly lower one good", () => {
  expect(changeOf(130, 100, latency)?.tone).toBe("bad");
  expect(changeOf(70, 100, latency)?.tone).toBe("good");
});

test("a small move has no colour", () => {
  expect(changeOf(104, 100, latency)).toEqual({ text: "4\u00a0%", direction: "up", tone: "neutral" });
  expect(changeOf(0.0105, 0.01, rate)?.tone).toBe("neutral");
});

test("a rate changes by points, also from zero", () => {
  expect(changeOf(0.03, 0, rate)).toEqual({ text: "3\u00a0pp", direction: "up", tone: "bad" });
  expect(changeOf(0.01, 0.025, rate)).toEqual({ text: "1.5\u00a0pp", direction: "down", tone: "good" });
});

test("ten times and more is said in times", () => {
  expect(changeOf(2100, 100, traffic)?.text).toBe("×21");
});

test("no move is flat", () => {
  expect(changeOf(100, 100, latency)).toEqual({ text: "0\u00a0%", direction: "flat", tone: "neutral" });
});

test("nothing is compared with nothing", () => {
  expect(changeOf(5, 0, traffic)).toBeNull();
  expect(changeOf(5, null, latency)).toBeNull();
  expect(changeOf(null, 5, latency)).toBeNull();
});
