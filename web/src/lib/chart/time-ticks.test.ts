import { expect, test } from "vitest";

import { timeTicks } from "./time-ticks";

const at = (text: string) => new Date(text).getTime();

test("a day is cut at whole local hours, and midnight carries the date", () => {
  const ticks = timeTicks(at("2026-03-01T10:15"), at("2026-03-02T10:15"), 6);
  expect(ticks.map(({ time }) => time)).toEqual(
    ["01T12:00", "01T16:00", "01T20:00", "02T00:00", "02T04:00", "02T08:00"].map((text) =>
      at(`2026-03-${text}`),
    ),
  );
  expect(ticks[3]?.label).toMatch(/Mar/);
  expect(ticks[0]?.label).toMatch(/12/);
});

test("few pixels get few ticks", () => {
  expect(timeTicks(at("2026-03-01T10:15"), at("2026-03-02T10:15"), 3)).toHaveLength(3);
  expect(timeTicks(at("2026-01-01T00:00"), at("2026-04-01T00:00"), 5).length).toBeLessThanOrEqual(5);
});

function times(shift: number): number[] {
  return timeTicks(at("2026-03-01T05:30") + shift, at("2026-03-31T05:30") + shift, 10).map(
    ({ time }) => time,
  );
}

test("a tick stays on its day as the range moves on", () => {
  const day = 86_400_000;
  expect(times(day).filter((time) => times(0).includes(time)).length).toBeGreaterThanOrEqual(8);
});
