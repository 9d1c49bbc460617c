import { useQuery } from "@tanstack/react-query";
import { useLoaderData, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";

import { LiveIndicator } from "@/components/live-indicator";
import { Notice } from "@/components/notice";
import { TimeRangePicker } from "@/components/time-range-picker";
import { overviewQuery } from "@/features/overview/api/get-overview";
import { FirstCall } from "@/features/overview/components/first-call";
import { GeneratedNote } from "@/features/overview/components/generated-note";
import { OverviewBody, OverviewSkeleton } from "@/features/overview/components/overview-body";
import { ToolsPanel } from "@/features/tools/components/tools-panel";
import { describeError } from "@/lib/api/error";
import { cn } from "@/lib/cn";
import { describeRange, RANGES } from "@/lib/time-range";

const FROM = "/shell/servers/$serverId";

/** One server's overview. */
export function OverviewPage() {
  const { server } = useLoaderData({ from: FROM });
  const { range } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/servers/$serverId" });
  const overview = useQuery(overviewQuery(server.id, range));
  const quiet =
    overview.data !== undefined && overview.data.calls.value === 0 && overview.data.last_call_at === null;
  // Nothing in this range may mean nothing ever: then the page helps to connect the server.
  const longest = useQuery({ ...overviewQuery(server.id, "90d"), enabled: quiet });
  const neverCalled = quiet && longest.data !== undefined && longest.data.last_call_at === null;

  useEffect(() => {
    document.title = `${server.name} · mcp-obs`;
  }, [server.name]);

  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
        <div>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h1 className={cn("text-lg font-semibold tracking-[-0.01em]", neverCalled && "sr-only")}>
              Overview
            </h1>
            {overview.data !== undefined && overview.data.generated_calls > 0 && (
              <GeneratedNote
                generated={overview.data.generated_calls}
                calls={overview.data.calls.value ?? 0}
              />
            )}
          </div>
          {!neverCalled && <p className="mt-0.5 text-13 text-muted">{describeRange(range)}</p>}
        </div>
        {!neverCalled && (
          <div className="flex items-center gap-2.5 max-sm:w-full max-sm:flex-row-reverse max-sm:justify-between">
            {overview.data !== undefined && (
              <LiveIndicator
                updatedAt={overview.dataUpdatedAt}
                failing={overview.isError || overview.failureCount > 0}
              />
            )}
            <TimeRangePicker
              ranges={RANGES}
              value={range}
              onChange={(next) => void navigate({ search: { range: next }, replace: true })}
            />
          </div>
        )}
      </div>
      {overview.data === undefined && overview.isError ? (
        <Notice title="The overview can't be shown" onRetry={() => void overview.refetch()}>
          {describeError(overview.error)}
        </Notice>
      ) : neverCalled ? (
        <FirstCall serverName={server.name} />
      ) : overview.data === undefined || (quiet && longest.isPending) ? (
        <OverviewSkeleton />
      ) : (
        <>
          <OverviewBody
            serverId={server.id}
            range={range}
            overview={overview.data}
            changing={overview.isPlaceholderData}
          />
          <ToolsPanel serverId={server.id} range={range} />
        </>
      )}
    </div>
  );
}
