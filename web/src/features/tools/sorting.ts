import type { Tool } from "./api/get-tools";

/** What the table can be sorted by. */
export type SortKey = keyof Omit<Tool, "trend">;

export interface Sorting {
  key: SortKey;
  descending: boolean;
}

/** The tools in order; those without a number come last in both directions. */
export function sortTools(tools: readonly Tool[], { key, descending }: Sorting): Tool[] {
  return tools.toSorted((a, b) => {
    const [left, right] = [a[key], b[key]];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const order =
      typeof left === "string" && typeof right === "string"
        ? left.localeCompare(right, "en")
        : Number(left) - Number(right);
    return descending ? -order : order;
  });
}

/** The sorting after a press on a heading: names start from A, numbers from the highest. */
export function pressed(current: Sorting, key: SortKey): Sorting {
  if (current.key === key) return { key, descending: !current.descending };
  return { key, descending: key !== "name" };
}
