import { expect, test } from "vitest";

import { describeRange, parseRange } from "./time-range";

test("a range of the URL is kept", () => expect(parseRange("7d")).toBe("7d"));

test.each([undefined, "", "1h", 7, ["7d"], { range: "7d" }])("%j falls back to a day", (value) =>
  expect(parseRange(value)).toBe("24h"),
);

test("a range says what it is compared with", () => {
  expect(describeRange("30d")).toBe("Last 30 days, compared with the 30 days before");
});
