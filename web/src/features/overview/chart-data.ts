import type { Buckets, ChartSeries } from "@/components/charts/geometry";
import { formatBucket, formatCount, formatDuration, formatPercent } from "@/lib/format";

import type { Point, Series } from "./api/get-series";

/** A chart's lines and the sentence that says what they show. */
interface ChartData {
  series: readonly ChartSeries[];
  summary: string;
}

/** The buckets that all charts of a series share. */
export function bucketsOf({ points, range }: Series): Buckets {
  return { starts: points.map((point) => Date.parse(point.start)), seconds: range.bucket_seconds };
}

/** Calls that went well, with the failed ones on top. */
export function volumeOf(data: Series): ChartData {
  const { points } = data;
  const calls = sum(points, (point) => point.calls);
  const errors = sum(points, (point) => point.errors);
  const peak = highest(points, (point) => point.calls);
  return {
    series: [
      line("ok", "Successful", "var(--chart-ok)", points, (point) => point.calls - point.errors),
      line("errors", "Errors", "var(--chart-error)", points, (point) => point.errors),
    ],
    summary: `${formatCount(calls)} calls, ${formatCount(errors)} of them errors. ${
      peak === null ? "" : `Most at ${when(data, peak)}: ${formatCount(peak.calls)} calls.`
    }`,
  };
}

/** Three percentiles of the latency. */
export function latencyOf(data: Series): ChartData {
  const { points } = data;
  const peak = highest(points, (point) => point.p95_ms);
  return {
    series: [
      line("p50", "p50", "var(--chart-p50)", points, (point) => point.p50_ms),
      line("p95", "p95", "var(--chart-p95)", points, (point) => point.p95_ms),
      line("p99", "p99", "var(--chart-p99)", points, (point) => point.p99_ms),
    ],
    summary:
      peak === null ? "No calls." : `Slowest at ${when(data, peak)}: p95 ${formatDuration(peak.p95_ms)}.`,
  };
}

/** The share of calls that failed. */
export function errorRateOf(data: Series): ChartData {
  const { points } = data;
  const peak = highest(points, (point) => point.error_rate);
  return {
    series: [line("error-rate", "Error rate", "var(--chart-error)", points, (point) => point.error_rate)],
    summary:
      peak === null ? "No calls." : `Highest at ${when(data, peak)}: ${formatPercent(peak.error_rate)}.`,
  };
}

function line(
  key: string,
  label: string,
  color: string,
  points: readonly Point[],
  pick: (point: Point) => number | null,
): ChartSeries {
  return { key, label, color, values: points.map((point) => pick(point)) };
}

function sum(points: readonly Point[], pick: (point: Point) => number): number {
  return points.reduce((total, point) => total + pick(point), 0);
}

function highest(points: readonly Point[], pick: (point: Point) => number | null): Point | null {
  return points.reduce<Point | null>((best, point) => {
    const value = pick(point);
    if (value === null || value === 0) return best;
    return best === null || value > (pick(best) ?? 0) ? point : best;
  }, null);
}

const when = (data: Series, point: Point): string =>
  formatBucket(Date.parse(point.start), data.range.bucket_seconds);
