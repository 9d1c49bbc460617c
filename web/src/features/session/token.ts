/** The token in a URL's fragment, as in `#token=abc`; null where there is none. */
export function tokenInFragment(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("token");
}

/** The token in whatever was pasted: a whole sign-in link, or the token alone. */
export function tokenInText(text: string): string | null {
  const trimmed = text.trim();
  const fragment = trimmed.indexOf("#");
  if (fragment >= 0) return tokenInFragment(trimmed.slice(fragment));
  return /^[\w-]+$/.test(trimmed) ? trimmed : null;
}
