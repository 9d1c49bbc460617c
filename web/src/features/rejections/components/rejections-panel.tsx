import { useQuery } from "@tanstack/react-query";
import { CircleCheckIcon } from "lucide-react";
import type { ReactNode } from "react";

import { Notice } from "@/components/notice";
import { TimeRangePicker } from "@/components/time-range-picker";
import { Skeleton } from "@/components/ui/skeleton";
import { describeError } from "@/lib/api/error";
import { cn } from "@/lib/cn";

import { rejectionsQuery } from "../api/get-rejections";
import { problemsOf } from "../problems";
import { REJECTION_RANGES, type RejectionRange } from "../ranges";
import { ProblemList } from "./problem-list";

interface RejectionsPanelProps {
  serverId: number;
  range: RejectionRange;
  onRange: (range: RejectionRange) => void;
}

/** What a server sent and mcp-obs did not keep. */
export function RejectionsPanel({ serverId, range, onRange }: RejectionsPanelProps) {
  return (
    <section aria-labelledby="ingest" className="panel min-w-0 overflow-hidden">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 px-4 py-3.5">
        <div>
          <h2 id="ingest" className="text-13 font-medium">
            Ingest
          </h2>
          <p className="mt-0.5 text-13 text-muted">What this server sent and was not kept, and why</p>
        </div>
        <TimeRangePicker ranges={REJECTION_RANGES} value={range} onChange={onRange} />
      </div>
      <Content serverId={serverId} range={range} />
    </section>
  );
}

function Content({ serverId, range }: Pick<RejectionsPanelProps, "serverId" | "range">): ReactNode {
  const rejections = useQuery(rejectionsQuery(serverId, range));
  if (rejections.data === undefined) {
    if (!rejections.isError) return <ProblemsSkeleton />;
    return (
      <Notice
        className="rounded-none border-0 border-t"
        title="The rejections can't be shown"
        onRetry={() => void rejections.refetch()}
      >
        {describeError(rejections.error)}
      </Notice>
    );
  }
  const problems = problemsOf(rejections.data.rejections);
  return (
    <div className={cn("transition-opacity duration-150", rejections.isPlaceholderData && "opacity-60")}>
      {problems.length === 0 ? <NothingRejected range={range} /> : <ProblemList problems={problems} />}
    </div>
  );
}

function NothingRejected({ range }: { range: RejectionRange }) {
  const words = REJECTION_RANGES.find(({ name }) => name === range)?.words.toLowerCase();
  return (
    <div className="flex flex-col items-center border-t border-line px-6 py-12 text-center">
      <CircleCheckIcon aria-hidden className="mb-3 size-6 text-good" />
      <p className="font-medium">Nothing was rejected</p>
      <p className="mt-1 text-13 text-balance text-muted">
        Everything this server sent in the {words} was kept.
      </p>
    </div>
  );
}

function ProblemsSkeleton() {
  return (
    <div role="status" aria-label="Loading">
      {["w-40", "w-32", "w-36"].map((width) => (
        <div
          key={width}
          className="grid h-36 gap-x-8 gap-y-2.5 border-t border-line px-4 py-4 sm:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]"
        >
          <Skeleton className={cn("h-3.5", width)} />
          <Skeleton className="h-3.5 w-full max-w-lg" />
        </div>
      ))}
    </div>
  );
}
