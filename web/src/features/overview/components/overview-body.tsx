import { useQuery } from "@tanstack/react-query";

import { Notice } from "@/components/notice";
import { describeError } from "@/lib/api/error";
import { cn } from "@/lib/cn";
import type { TimeRangeName } from "@/lib/time-range";

import type { Overview } from "../api/get-overview";
import { seriesQuery } from "../api/get-series";
import { IndicatorGrid, IndicatorGridSkeleton } from "./indicator-grid";
import { OverviewCharts, OverviewChartsSkeleton } from "./overview-charts";

interface OverviewBodyProps {
  serverId: number;
  range: TimeRangeName;
  overview: Overview;
  /** Another range is loading; what is shown is of the old one. */
  changing: boolean;
}

/** The numbers and their charts. */
export function OverviewBody({ serverId, range, overview, changing }: OverviewBodyProps) {
  const series = useQuery(seriesQuery(serverId, range));
  const faded = changing || series.isPlaceholderData;
  return (
    <div className={cn("space-y-4 transition-opacity duration-150", faded && "opacity-60")}>
      <IndicatorGrid overview={overview} points={series.data?.points ?? null} />
      {series.data !== undefined ? (
        <OverviewCharts series={series.data} />
      ) : series.isError ? (
        <Notice title="The charts can't be shown" onRetry={() => void series.refetch()}>
          {describeError(series.error)}
        </Notice>
      ) : (
        <OverviewChartsSkeleton />
      )}
    </div>
  );
}

/** The page's place while it loads. */
export function OverviewSkeleton() {
  return (
    <div className="space-y-4" role="status" aria-label="Loading">
      <IndicatorGridSkeleton />
      <OverviewChartsSkeleton />
    </div>
  );
}
