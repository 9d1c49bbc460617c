import { expect, test } from "vitest";

import type { Overview } from "./api/get-overview";
import type { Point, Series } from "./api/get-series";
import { bucketsOf, errorRateOf, latencyOf, volumeOf } from "./chart-data";
import { readingsOf } from "./indicators";

const range = {
  start: "2026-03-01T00:00:00Z",
  end: "2026-03-01T00:45:00Z",
  previous_start: "2026-02-28T23:15:00Z",
  bucket_seconds: 900,
};

const point = (minute: number, calls: number, errors: number, ms: number | null): Point => ({
  start: `2026-03-01T00:${String(minute).padStart(2, "0")}:00Z`,
  calls,
  errors,
  error_rate: calls === 0 ? null : errors / calls,
  p50_ms: ms,
  p95_ms: ms,
  p99_ms: ms,
  active_users: Math.min(calls, 1),
  sessions: Math.min(calls, 2),
  clients: Math.min(calls, 1),
});

const series: Series = { range, points: [point(0, 30, 3, 40), point(15, 0, 0, null), point(30, 10, 0, 60)] };

const overview: Overview = {
  range,
  calls: { value: 40, previous: 32 },
  errors: { value: 3, previous: 0 },
  error_rate: { value: 0.075, previous: 0 },
  p50_ms: { value: 44, previous: 88 },
  p95_ms: { value: 60, previous: 60 },
  p99_ms: { value: 60, previous: null },
  active_users: { value: 1, previous: 1 },
  sessions: { value: 2, previous: 0 },
  clients: { value: 1, previous: 1 },
  generated_calls: 0,
  last_call_at: "2026-03-01T00:31:00Z",
};

test("every figure is read with its change and its course", () => {
  const readings = readingsOf(overview, series.points).map(({ label, quantity, change, course }) => ({
    label,
    shown: `${quantity.value} ${quantity.unit}`.trim(),
    change:
      change === null ? null : `${change.direction} ${change.text} ${change.tone}`.replaceAll("\u00a0", " "),
    course,
  }));
  expect(readings).toMatchInlineSnapshot(`
    [
      {
        "change": "up 25 % neutral",
        "course": [
          30,
          0,
        ],
        "label": "Calls",
        "shown": "40",
      },
      {
        "change": "up 7.5 pp bad",
        "course": [
          0.1,
          null,
          0,
        ],
        "label": "Error rate",
        "shown": "7.5 %",
      },
      {
        "change": "flat 0 % neutral",
        "course": [
          1,
          0,
        ],
        "label": "Active users",
        "shown": "1",
      },
      {
        "change": null,
        "course": [
          2,
          0,
        ],
        "label": "Sessions",
        "shown": "2",
      },
      {
        "change": "down 50 % good",
        "course": [
          40,
          null,
          60,
        ],
        "label": "p50 latency",
        "shown": "44 ms",
      },
      {
        "change": "flat 0 % neutral",
        "course": [
          40,
          null,
          60,
        ],
        "label": "p95 latency",
        "shown": "60 ms",
      },
      {
        "change": null,
        "course": [
          40,
          null,
          60,
        ],
        "label": "p99 latency",
        "shown": "60 ms",
      },
      {
        "change": "flat 0 % neutral",
        "course": [
          1,
          0,
        ],
        "label": "Clients",
        "shown": "1",
      },
    ]
  `);
});

test("nothing is compared with a period of a few calls", () => {
  const quiet = { ...overview, calls: { value: 40, previous: 3 } };
  expect(readingsOf(quiet, null).map(({ change }) => change)).toEqual(Array.from({ length: 8 }, () => null));
});

test("the volume stacks errors on what went well", () => {
  const { series: layers, summary } = volumeOf(series);
  expect(layers.map(({ key, values }) => [key, values])).toEqual([
    ["ok", [27, 0, 10]],
    ["errors", [3, 0, 0]],
  ]);
  expect(summary).toMatch(/^40 calls, 3 of them errors\. Most at .*: 30 calls\.$/);
});

test("lines break where there were no calls, and their peak is said in words", () => {
  expect(latencyOf(series).series[1]?.values).toEqual([40, null, 60]);
  expect(latencyOf(series).summary).toMatch(/p95 60\u00a0ms\.$/);
  expect(errorRateOf(series).summary).toMatch(/10\.0\u00a0%\.$/);
  expect(errorRateOf({ range, points: [] }).summary).toBe("No calls.");
});

test("buckets are in milliseconds", () => {
  expect(bucketsOf(series)).toEqual({
    starts: series.points.map(({ start }) => Date.parse(start)),
    seconds: 900,
  });
});
