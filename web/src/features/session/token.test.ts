import { expect, test } from "vitest";

import { tokenInFragment, tokenInText } from "./token";

test("a link's fragment holds the token", () => {
  expect(tokenInFragment("#token=aB3_-x")).toBe("aB3_-x");
  expect(tokenInFragment("#other=1")).toBeNull();
  expect(tokenInFragment("")).toBeNull();
});

test.each([
  ["http://127.0.0.1:4318/sign-in#token=abc", "abc"],
  ["  #token=abc\n", "abc"],
  ["abc", "abc"],
  ["http://127.0.0.1:4318/sign-in", null],
  ["two words", null],
  ["", null],
])("%j pasted holds %j", (text, token) => expect(tokenInText(text)).toBe(token));
