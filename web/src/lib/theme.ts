import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";

// public/theme.js reads the same key before the first paint.
const KEY = "mcp-obs-theme";
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function readTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

let current = readTheme();

function apply(): void {
  const dark = current === "dark" || (current === "system" && systemDark.matches);
  document.documentElement.classList.toggle("dark", dark);
}

systemDark.addEventListener("change", apply);

/** Changes the theme now and for later visits. */
export function setTheme(theme: Theme): void {
  current = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Where storage is forbidden the choice lasts as long as the page.
  }
  apply();
  for (const listener of listeners) listener();
}

/** The theme chosen. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
