import type { paths } from "@/lib/api/schema";
import { RANGES, type TimeRange } from "@/lib/time-range";

type Query = NonNullable<paths["/api/servers/{server_id}/rejections"]["get"]["parameters"]["query"]>;

/** The stretches of time that the API has rejections of. */
export type RejectionRange = NonNullable<Query["range"]>;

export const REJECTION_RANGES = RANGES.filter(
  (range): range is TimeRange<RejectionRange> => range.name !== "90d",
);

/** The range a URL asks for; a week where it asks for none that exists. */
export function parseRejectionRange(value: unknown): RejectionRange {
  return REJECTION_RANGES.find((range) => range.name === value)?.name ?? "7d";
}
