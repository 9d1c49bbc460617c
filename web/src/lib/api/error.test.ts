import { expect, test } from "vitest";

import { ApiError, describeError, isFinal } from "./error";

test("the API's own sentence is shown", () => {
  const error = ApiError.from(404, { code: "not_found", message: "There is no such server." });
  expect([error.code, describeError(error)]).toEqual(["not_found", "There is no such server."]);
});

test("an answer in other words, as of a proxy, is named by its status", () => {
  expect(describeError(ApiError.from(502, "<html>"))).toBe("The server answered with status 502.");
});

test("no answer at all says what to check", () => {
  expect(describeError(new TypeError("Failed to fetch"))).toBe(
    "The server can't be reached. Check that mcp-obs is running.",
  );
});

test.each([
  [404, true],
  [401, true],
  [429, false],
  [503, false],
])("status %s is final: %s", (status, final) => expect(isFinal(ApiError.from(status, null))).toBe(final));
