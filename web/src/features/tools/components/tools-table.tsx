import { ArrowDownIcon, ArrowUpIcon } from "lucide-react";
import { useState } from "react";

import { Sparkline } from "@/components/charts/sparkline";
import { Button } from "@/components/ui/button";
import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { cn } from "@/lib/cn";
import { formatAgo, formatCount, formatDuration, formatMoment, formatPercent } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import type { Tool } from "../api/get-tools";
import { pressed, type SortKey, type Sorting, sortTools } from "../sorting";

const FIRST_ROWS = 10;
const NOW_MS = 5000;
// Below this the bar stays short: a rate of 0.1 % must not look like a fire because nothing else fails.
const FULL_BAR_RATE = 0.1;

const COLUMNS: readonly { key: SortKey; label: string }[] = [
  { key: "name", label: "Tool" },
  { key: "calls", label: "Calls" },
  { key: "errors", label: "Errors" },
  { key: "error_rate", label: "Error rate" },
  { key: "p50_ms", label: "p50" },
  { key: "p95_ms", label: "p95" },
  { key: "p99_ms", label: "p99" },
  { key: "active_users", label: "Users" },
  { key: "last_call_at", label: "Last call" },
];

/** The tools with their numbers, sorted by any of them. */
export function ToolsTable({ tools }: { tools: readonly Tool[] }) {
  const [sorting, setSorting] = useState<Sorting>({ key: "calls", descending: true });
  const [all, setAll] = useState(false);
  const now = useNow(NOW_MS);
  const fullRate = Math.max(FULL_BAR_RATE, ...tools.map((tool) => tool.error_rate));
  const sorted = sortTools(tools, sorting);
  const shown = all ? sorted : sorted.slice(0, FIRST_ROWS);
  if (tools.length === 0) {
    return (
      <p className="border-t border-line px-4 py-10 text-center text-13 text-muted">
        No tool was called in this range.
      </p>
    );
  }
  return (
    <>
      <Table aria-label="Tools">
        <thead>
          <tr>
            {COLUMNS.map(({ key, label }) => (
              <SortHead
                key={key}
                label={label}
                sorted={sorting.key === key ? (sorting.descending ? "descending" : "ascending") : "none"}
                first={key === "name"}
                onPress={() => setSorting(pressed(sorting, key))}
              />
            ))}
            <TableHead className="w-36 pr-4 xl:pr-4">Trend</TableHead>
          </tr>
        </thead>
        <tbody className="tabular-nums">
          {shown.map((tool) => (
            <ToolRow key={tool.name} tool={tool} now={now} fullRate={fullRate} />
          ))}
        </tbody>
      </Table>
      {tools.length > FIRST_ROWS && (
        <div className="border-t border-line p-1.5 text-center">
          <Button variant="ghost" onClick={() => setAll(!all)}>
            {all ? `Show the first ${FIRST_ROWS}` : `Show all ${tools.length} tools`}
          </Button>
        </div>
      )}
    </>
  );
}

const STICKY = "sticky left-0 z-10 bg-panel transition-colors group-hover:bg-sunken";

interface SortHeadProps {
  label: string;
  sorted: "ascending" | "descending" | "none";
  first: boolean;
  onPress: () => void;
}

function SortHead({ label, sorted, first, onPress }: SortHeadProps) {
  const Arrow = sorted === "ascending" ? ArrowUpIcon : ArrowDownIcon;
  return (
    <TableHead aria-sort={sorted} className={cn(first ? cn(STICKY, "pl-4 xl:pl-4") : "text-right")}>
      <button
        type="button"
        onClick={onPress}
        className={cn(
          "group/head inline-flex cursor-pointer align-middle items-center gap-1 rounded-sm transition-colors hover:text-foreground",
          sorted !== "none" && "text-foreground",
          !first && "flex-row-reverse",
        )}
      >
        {label}
        <Arrow
          aria-hidden
          className={cn("size-3", sorted === "none" && "opacity-0 group-hover/head:opacity-50")}
        />
      </button>
    </TableHead>
  );
}

function ToolRow({ tool, now, fullRate }: { tool: Tool; now: Date; fullRate: number }) {
  const lastCall = new Date(tool.last_call_at);
  return (
    <TableRow className="group hover:bg-sunken">
      <TableCell
        className={cn(
          STICKY,
          "max-w-44 truncate pl-4 xl:pl-4 font-mono text-xs font-medium sm:max-w-52 xl:max-w-80",
        )}
        title={tool.name}
      >
        {tool.name}
      </TableCell>
      <TableCell className="text-right font-medium">{formatCount(tool.calls)}</TableCell>
      <TableCell className={cn("text-right", tool.errors === 0 && "text-faint")}>
        {formatCount(tool.errors)}
      </TableCell>
      <TableCell className="text-right">
        <span className="inline-flex items-center justify-end gap-2.5">
          <span aria-hidden className="h-1 w-8 overflow-hidden xl:w-12 rounded-full bg-line">
            <span
              className="block h-full rounded-full bg-(--chart-error)"
              style={{ width: `${(tool.error_rate / fullRate) * 100}%` }}
            />
          </span>
          <span className={cn("min-w-13", tool.errors === 0 && "text-faint")}>
            {formatPercent(tool.error_rate)}
          </span>
        </span>
      </TableCell>
      <TableCell className="text-right">{formatDuration(tool.p50_ms)}</TableCell>
      <TableCell className="text-right">{formatDuration(tool.p95_ms)}</TableCell>
      <TableCell className="text-right">{formatDuration(tool.p99_ms)}</TableCell>
      <TableCell className="text-right">{formatCount(tool.active_users)}</TableCell>
      <TableCell className="text-right text-muted">
        <time dateTime={tool.last_call_at} title={formatMoment(lastCall)}>
          {formatAgo(lastCall, now)}
        </time>
      </TableCell>
      <TableCell className="w-36 min-w-24 xl:min-w-32 pr-4 xl:pr-4">
        <Sparkline values={tool.trend} color="var(--chart-ok)" className="h-6" />
      </TableCell>
    </TableRow>
  );
}
