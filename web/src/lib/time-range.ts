import type { paths } from "@/lib/api/schema";

type Query = NonNullable<paths["/api/servers/{server_id}/overview"]["get"]["parameters"]["query"]>;

/** The stretches of time that the API knows. */
export type TimeRangeName = NonNullable<Query["range"]>;

export const DEFAULT_RANGE: TimeRangeName = "24h";

export const RANGES: readonly { name: TimeRangeName; label: string; words: string }[] = [
  { name: "24h", label: "24h", words: "the last 24 hours" },
  { name: "7d", label: "7d", words: "the last 7 days" },
  { name: "30d", label: "30d", words: "the last 30 days" },
  { name: "90d", label: "90d", words: "the last 90 days" },
];

/** The range a URL asks for; the default one where it asks for none that exists. */
export function parseRange(value: unknown): TimeRangeName {
  return RANGES.find((range) => range.name === value)?.name ?? DEFAULT_RANGE;
}

/** "the last 24 hours" */
export function rangeWords(name: TimeRangeName): string {
  return RANGES.find((range) => range.name === name)?.words ?? name;
}
