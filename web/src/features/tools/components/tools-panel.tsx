import { useQuery } from "@tanstack/react-query";

import { Notice } from "@/components/notice";
import { Skeleton } from "@/components/ui/skeleton";
import { describeError } from "@/lib/api/error";
import { cn } from "@/lib/cn";
import type { TimeRangeName } from "@/lib/time-range";

import { toolsQuery } from "../api/get-tools";
import { ToolsTable } from "./tools-table";

interface ToolsPanelProps {
  serverId: number;
  range: TimeRangeName;
}

/** The server's tools, most called first. */
export function ToolsPanel({ serverId, range }: ToolsPanelProps) {
  const tools = useQuery(toolsQuery(serverId, range));
  if (tools.data === undefined && tools.isError) {
    return (
      <Notice title="The tools can't be shown" onRetry={() => void tools.refetch()}>
        {describeError(tools.error)}
      </Notice>
    );
  }
  return (
    <section
      aria-label="Tools"
      className={cn("panel min-w-0 overflow-hidden", tools.isPlaceholderData && "opacity-60")}
    >
      <h2 className="px-4 pt-3.5 pb-1.5 text-13 font-medium">Tools</h2>
      {tools.data === undefined ? <ToolsSkeleton /> : <ToolsTable tools={tools.data.tools} />}
    </section>
  );
}

/** The table's place while it loads. */
export function ToolsSkeleton() {
  return (
    <div aria-hidden className="pt-9">
      {["w-40", "w-32", "w-44", "w-28", "w-36"].map((width) => (
        <div key={width} className="flex h-11 items-center justify-between gap-6 border-t border-line px-4">
          <Skeleton className={cn("h-3.5", width)} />
          <Skeleton className="h-3.5 w-1/2 max-w-xl" />
        </div>
      ))}
    </div>
  );
}
