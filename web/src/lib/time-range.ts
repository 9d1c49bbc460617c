import type { paths } from "@/lib/api/schema";

type Query = NonNullable<paths["/api/servers/{server_id}/overview"]["get"]["parameters"]["query"]>;

/** The stretches of time that the API knows. */
export type TimeRangeName = NonNullable<Query["range"]>;

export const DEFAULT_RANGE: TimeRangeName = "24h";

/** A stretch of time with its words. */
export interface TimeRange<Name extends string = TimeRangeName> {
  name: Name;
  label: string;
  words: string;
  before: string;
}

export const RANGES: readonly TimeRange[] = [
  { name: "24h", label: "24h", words: "Last 24 hours", before: "the 24 hours before" },
  { name: "7d", label: "7d", words: "Last 7 days", before: "the 7 days before" },
  { name: "30d", label: "30d", words: "Last 30 days", before: "the 30 days before" },
  { name: "90d", label: "90d", words: "Last 90 days", before: "the 90 days before" },
];

/** The range a URL asks for; the default one where it asks for none that exists. */
export function parseRange(value: unknown): TimeRangeName {
  return RANGES.find((range) => range.name === value)?.name ?? DEFAULT_RANGE;
}

/** "Last 24 hours, compared with the 24 hours before" */
export function describeRange(name: TimeRangeName): string {
  const range = RANGES.find((one) => one.name === name);
  return range === undefined ? name : `${range.words}, compared with ${range.before}`;
}
