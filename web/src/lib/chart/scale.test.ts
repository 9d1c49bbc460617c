import { expect, test } from "vitest";

import { niceTicks, yScale } from "./scale";

test.each([
  [4, 4, [0, 1, 2, 3, 4]],
  [97, 4, [0, 25, 50, 75, 100]],
  [0.01, 3, [0, 0.005, 0.01]],
  [1234, 4, [0, 500, 1000, 1500]],
  [0, 4, [0, 1]],
])("up to %s in about %s steps", (max, count, ticks) => expect(niceTicks(max, count)).toEqual(ticks));

test("the highest tick is at the top and zero at the bottom", () => {
  const y = yScale(100, 8, 108);
  expect([y(0), y(50), y(100)]).toEqual([108, 58, 8]);
});
