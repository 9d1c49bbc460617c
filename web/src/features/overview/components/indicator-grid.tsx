import { ChangeBadge } from "@/components/change-badge";
import { Sparkline } from "@/components/charts/sparkline";
import { Skeleton } from "@/components/ui/skeleton";
import { Tooltip } from "@/components/ui/tooltip";

import type { Overview } from "../api/get-overview";
import type { Point } from "../api/get-series";
import { INDICATOR_LABELS, type Reading, readingsOf } from "../indicators";

interface IndicatorGridProps {
  overview: Overview;
  /** Null while they load. */
  points: readonly Point[] | null;
}

// The gaps show the background through, as hairlines that need no rule for which cell is at an edge.
const GRID = "panel grid grid-cols-2 gap-px overflow-hidden bg-line lg:grid-cols-4";
const CELL = "flex flex-col bg-panel px-4 pt-3.5";

/** The overview's numbers, each with its change and its course. */
export function IndicatorGrid({ overview, points }: IndicatorGridProps) {
  return (
    <dl className={GRID} aria-label="Key figures">
      {readingsOf(overview, points).map((reading) => (
        <IndicatorCell key={reading.label} reading={reading} />
      ))}
    </dl>
  );
}

function IndicatorCell({ reading }: { reading: Reading }) {
  const { label, hint, quantity, change, previous, course, color } = reading;
  return (
    <div className={CELL} data-indicator={label}>
      <dt className="text-xs text-muted">
        <Tooltip text={hint}>
          <button type="button" className="cursor-help rounded-sm">
            {label}
          </button>
        </Tooltip>
      </dt>
      <dd className="mt-1 flex flex-wrap items-baseline justify-between gap-x-2">
        <span className="text-2xl font-semibold tracking-tight tabular-nums" data-value>
          {quantity.value}
          {quantity.unit !== "" && (
            <span className="ml-1 text-13 font-medium tracking-normal text-muted">{quantity.unit}</span>
          )}
        </span>
        {change !== null && <ChangeBadge change={change} previous={previous} />}
      </dd>
      <dd aria-hidden className="mt-2 mb-3 h-8">
        {course !== null && <Sparkline values={course} color={color} className="h-8" />}
      </dd>
    </div>
  );
}

/** The grid's place while the numbers load, of the same size. */
export function IndicatorGridSkeleton() {
  return (
    <div className={GRID} aria-hidden>
      {INDICATOR_LABELS.map((label) => (
        <div key={label} className={CELL}>
          <p className="text-xs text-muted">{label}</p>
          <Skeleton className="mt-2 mb-1 h-6 w-20" />
          <div className="mt-2 mb-3 h-8" />
        </div>
      ))}
    </div>
  );
}
