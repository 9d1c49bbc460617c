import { useMemo } from "react";

import { ChartCursor } from "@/components/charts/cursor";
import { TimeChart } from "@/components/charts/time-chart";
import { Skeleton } from "@/components/ui/skeleton";
import {
  formatCompact,
  formatCount,
  formatDuration,
  formatDurationTick,
  formatPercent,
  formatPercentTick,
} from "@/lib/format";

import type { Series } from "../api/get-series";
import { bucketsOf, errorRateOf, latencyOf, volumeOf } from "../chart-data";

const TALL = 220;
const LOW = 190;
const PANEL = "panel min-w-0 px-4 pt-3.5 pb-3";

/** Volume, latency and error rate over time, under one crosshair. */
export function OverviewCharts({ series }: { series: Series }) {
  const buckets = useMemo(() => bucketsOf(series), [series]);
  const volume = useMemo(() => volumeOf(series), [series]);
  const latency = useMemo(() => latencyOf(series), [series]);
  const errorRate = useMemo(() => errorRateOf(series), [series]);
  return (
    <ChartCursor>
      <div className="grid gap-4 lg:grid-cols-2">
        <div className={`${PANEL} lg:col-span-2`}>
          <TimeChart
            title="Request volume"
            kind="bars"
            buckets={buckets}
            height={TALL}
            format={formatCount}
            formatTick={formatCompact}
            ceiling={4}
            {...volume}
          />
        </div>
        <div className={PANEL}>
          <TimeChart
            title="Latency"
            kind="lines"
            buckets={buckets}
            height={LOW}
            format={formatDuration}
            formatTick={formatDurationTick}
            ceiling={1}
            {...latency}
          />
        </div>
        <div className={PANEL}>
          <TimeChart
            title="Error rate"
            kind="area"
            buckets={buckets}
            height={LOW}
            format={formatPercent}
            formatTick={formatPercentTick}
            ceiling={0.01}
            {...errorRate}
          />
        </div>
      </div>
    </ChartCursor>
  );
}

/** The charts' places while they load, of the same sizes. */
export function OverviewChartsSkeleton() {
  return (
    <div className="grid gap-4 lg:grid-cols-2" aria-hidden>
      <ChartSkeleton title="Request volume" height={TALL} className="lg:col-span-2" />
      <ChartSkeleton title="Latency" height={LOW} className="" />
      <ChartSkeleton title="Error rate" height={LOW} className="" />
    </div>
  );
}

function ChartSkeleton({ title, height, className }: { title: string; height: number; className: string }) {
  return (
    <div className={`${PANEL} ${className}`}>
      <p className="mb-3 text-13 font-medium">{title}</p>
      <Skeleton style={{ height }} className="rounded" />
    </div>
  );
}
