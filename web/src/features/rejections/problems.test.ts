import { expect, test } from "vitest";

import type { Rejection } from "./api/get-rejections";
import { describeAmount, problemsOf } from "./problems";

const rejection: Rejection = {
  day: "2026-03-02",
  signal: "traces",
  reason: "too_old",
  items: 3,
  exports: 0,
  last_at: "2026-03-02T10:00:00Z",
  last_message: "newest",
};

test("the days of a signal and a reason add up, and the newest message stands", () => {
  const days = [
    rejection,
    { ...rejection, day: "2026-03-01", items: 4, last_at: "2026-03-01T10:00:00Z", last_message: "older" },
  ];
  const { day: _, ...rest } = rejection;
  expect(problemsOf(days)).toEqual([{ ...rest, items: 7 }]);
});

test("signals and reasons stay apart, and what was seen last comes first", () => {
  const problems = problemsOf([
    rejection,
    { ...rejection, reason: "malformed", last_at: "2026-03-02T11:00:00Z" },
    { ...rejection, signal: "logs", last_at: "2026-03-02T09:00:00Z" },
  ]);
  expect(problems.map(({ signal, reason }) => [signal, reason])).toEqual([
    ["traces", "malformed"],
    ["traces", "too_old"],
    ["logs", "too_old"],
  ]);
});

test("what was given is left as it was", () => {
  problemsOf([rejection, { ...rejection, day: "2026-03-01" }]);
  expect(rejection.items).toBe(3);
});

test.each([
  [{ items: 1204, exports: 0 }, "1,204 spans"],
  [{ items: 1, exports: 0, signal: "metrics" as const }, "1 data point"],
  [{ items: 0, exports: 1, signal: "logs" as const }, "1 export"],
  [{ items: 2, exports: 3 }, "2 spans and 3 exports"],
])("%j is %s", (amount, words) => expect(describeAmount({ ...rejection, ...amount })).toBe(words));
