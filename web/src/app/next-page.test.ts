import { expect, test } from "vitest";

import { nextPage } from "./next-page";

test("a page of this site is kept", () =>
  expect(nextPage("/servers/2?range=7d")).toBe("/servers/2?range=7d"));

test.each([
  "//evil.example",
  String.raw`/\evil.example`,
  "https://evil.example",
  "javascript:1",
  "/sign-in",
  "",
  7,
])("%s leads home", (value) => expect(nextPage(value)).toBe("/"));
