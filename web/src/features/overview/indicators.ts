import { type Change, changeOf } from "@/lib/change";
import { durationQuantity, formatCount, join, percentQuantity, type Quantity } from "@/lib/format";

import type { Overview } from "./api/get-overview";
import type { Point } from "./api/get-series";

type Name = "calls" | "error_rate" | "p50_ms" | "p95_ms" | "p99_ms" | "active_users" | "sessions" | "clients";

interface Indicator {
  name: Name;
  label: string;
  hint: string;
  quantity: (value: number | null) => Quantity;
  change: { rise: "bad" | "neutral"; unit: "relative" | "points" };
  color: string;
}

/** A number of the overview, made ready to be shown. */
export interface Reading {
  label: string;
  hint: string;
  quantity: Quantity;
  change: Change | null;
  /** The number in the period before, in words. */
  previous: string;
  course: readonly (number | null)[] | null;
  color: string;
}

const count = (value: number | null): Quantity => ({ value: formatCount(value), unit: "" });
const GROWTH = { rise: "neutral", unit: "relative" } as const;
const LATENCY = { rise: "bad", unit: "relative" } as const;

const INDICATORS: readonly Indicator[] = [
  {
    name: "calls",
    label: "Calls",
    hint: "Tool calls, resource reads and prompt gets that the server answered",
    quantity: count,
    change: GROWTH,
    color: "var(--chart-ok)",
  },
  {
    name: "error_rate",
    label: "Error rate",
    hint: "Share of calls that failed; cancelled ones and ones waiting for input are not failures",
    quantity: percentQuantity,
    change: { rise: "bad", unit: "points" },
    color: "var(--chart-error)",
  },
  {
    name: "active_users",
    label: "Active users",
    hint: "Different signed-in users who made a call",
    quantity: count,
    change: GROWTH,
    color: "var(--chart-ok)",
  },
  {
    name: "sessions",
    label: "Sessions",
    hint: "Different sessions that made a call",
    quantity: count,
    change: GROWTH,
    color: "var(--chart-ok)",
  },
  {
    name: "p50_ms",
    label: "p50 latency",
    hint: "Half of the calls were faster than this",
    quantity: durationQuantity,
    change: LATENCY,
    color: "var(--chart-p50)",
  },
  {
    name: "p95_ms",
    label: "p95 latency",
    hint: "95 of 100 calls were faster than this",
    quantity: durationQuantity,
    change: LATENCY,
    color: "var(--chart-p95)",
  },
  {
    name: "p99_ms",
    label: "p99 latency",
    hint: "99 of 100 calls were faster than this",
    quantity: durationQuantity,
    change: LATENCY,
    color: "var(--chart-p99)",
  },
  {
    name: "clients",
    label: "Clients",
    hint: "Different client applications, such as an editor or a chat",
    quantity: count,
    change: GROWTH,
    color: "var(--chart-ok)",
  },
];

// Compared with fewer calls than this, a change says more about chance than about the server.
const ENOUGH_CALLS = 20;

const COUNTS: ReadonlySet<Name> = new Set(["calls", "active_users", "sessions", "clients"]);

/** The names shown while the numbers load. */
export const INDICATOR_LABELS = INDICATORS.map((indicator) => indicator.label);

/** Every number with its change and its course over time. */
export function readingsOf(overview: Overview, points: readonly Point[] | null): Reading[] {
  const comparable = (overview.calls.previous ?? 0) >= ENOUGH_CALLS;
  return INDICATORS.map(({ name, label, hint, quantity, change, color }) => {
    const { value, previous } = overview[name];
    return {
      label,
      hint,
      quantity: quantity(value),
      change: comparable ? changeOf(value, previous, change) : null,
      previous: join(quantity(previous)),
      course: points === null ? null : courseOf(points, name),
      color,
    };
  });
}

// The last bucket is still filling: a count would seem to collapse at the end of every line.
function courseOf(points: readonly Point[], name: Name): (number | null)[] {
  const shown = COUNTS.has(name) && points.length > 1 ? points.slice(0, -1) : points;
  return shown.map((point) => point[name]);
}
