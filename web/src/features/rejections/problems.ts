import { formatExact } from "@/lib/format";

import type { Rejection } from "./api/get-rejections";

const ITEMS: Record<Rejection["signal"], string> = {
  traces: "span",
  metrics: "data point",
  logs: "log record",
};

/** What was not kept of one signal for one reason, over all days of the range. */
export type Problem = Omit<Rejection, "day">;

/** One problem for each signal and reason, the one seen last first. */
export function problemsOf(newestFirst: readonly Rejection[]): Problem[] {
  const problems = new Map<string, Problem>();
  for (const { day: _, ...rejection } of newestFirst) {
    const key = `${rejection.signal} ${rejection.reason}`;
    const problem = problems.get(key);
    if (problem === undefined) {
      problems.set(key, rejection);
    } else {
      problem.items += rejection.items;
      problem.exports += rejection.exports;
    }
  }
  return [...problems.values()].toSorted((one, other) => other.last_at.localeCompare(one.last_at));
}

/** "1,204 spans", "3 exports", "12 spans and 1 export" */
export function describeAmount({ signal, items, exports }: Problem): string {
  const parts = [
    ...(items > 0 ? [plural(items, ITEMS[signal])] : []),
    ...(exports > 0 ? [plural(exports, "export")] : []),
  ];
  return parts.join(" and ");
}

function plural(count: number, word: string): string {
  return `${formatExact(count)} ${word}${count === 1 ? "" : "s"}`;
}
