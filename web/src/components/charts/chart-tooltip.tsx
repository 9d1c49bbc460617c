import type { ChartSeries } from "./geometry";

interface ChartTooltipProps {
  heading: string;
  series: readonly ChartSeries[];
  index: number;
  format: (value: number | null) => string;
  note: string | null;
  /** Pixels from the chart's left edge, and the chart's width, to stay inside. */
  x: number;
  width: number;
}

/** What the crosshair stands on, beside it. */
export function ChartTooltip({ heading, series, index, format, note, x, width }: ChartTooltipProps) {
  const toLeft = x > width / 2;
  return (
    <div
      aria-hidden
      className="pointer-events-none absolute top-1 z-20 min-w-36 rounded-lg border border-line-strong bg-raised px-2.5 py-2 text-xs whitespace-nowrap shadow-pop"
      style={toLeft ? { right: width - x + 10 } : { left: x + 10 }}
    >
      <p className="mb-1.5 text-2xs text-muted">{heading}</p>
      <dl className="grid grid-cols-[auto_1fr_auto] items-center gap-x-2 gap-y-1">
        {series.toReversed().map(({ key, label, color, values }) => (
          <div key={key} className="contents">
            <span className="size-2 rounded-[2px]" style={{ background: color }} />
            <dt className="text-muted">{label}</dt>
            <dd className="text-right font-medium tabular-nums">{format(values[index] ?? null)}</dd>
          </div>
        ))}
      </dl>
      {note !== null && <p className="mt-1.5 text-2xs text-faint">{note}</p>}
    </div>
  );
}
