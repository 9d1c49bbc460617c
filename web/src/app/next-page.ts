/** What the sign-in page's address says about the page to go to; nothing about the one it leads to anyway. */
export function searchFor(next: string): { next?: string } {
  return next === "/" ? {} : { next };
}

/** The page to go to after signing in: a path of this site and nothing else, so that a link can't lead away. */
export function nextPage(value: unknown): string {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) && !value.startsWith("/sign-in")
    ? value
    : "/";
}
