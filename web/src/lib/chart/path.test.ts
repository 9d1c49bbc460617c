import { expect, test } from "vitest";

import { areaPath, bridgePath, linePath, loneSpots } from "./path";

const spots = [[0, 5], [10, 6], null, [30, 7], null, [50, 8], [60, 9.123]] as const;

test("a gap lifts the pen", () => expect(linePath(spots)).toBe("M0,5L10,6M30,7M50,8L60,9.12"));

test("an area stands on its base between gaps", () => {
  expect(areaPath(spots.slice(0, 3), 20)).toBe("M0,5L10,6L10,20L0,20Z");
});

test("a bridge joins the ends of gaps", () => expect(bridgePath(spots)).toBe("M10,6L30,7M30,7L50,8"));

test("a spot alone is found", () => expect(loneSpots(spots)).toEqual([[30, 7]]));

test("nothing draws nothing", () => {
  expect([linePath([]), areaPath([null], 9), bridgePath([null])]).toEqual(["", "", ""]);
});
