import { type KeyboardEvent, useId, useMemo } from "react";

import { formatBucket } from "@/lib/format";

import { Axes } from "./axes";
import { ChartTooltip } from "./chart-tooltip";
import { useChartCursor } from "./cursor";
import { type Buckets, type ChartSeries, type Geometry, highestOf, layOut } from "./geometry";
import { Bars, Lines } from "./marks";
import { useWidth } from "./use-width";

interface TimeChartProps {
  title: string;
  /** The chart in a sentence, for those who can't see it. */
  summary: string;
  kind: "bars" | "lines" | "area";
  buckets: Buckets;
  series: readonly ChartSeries[];
  height: number;
  format: (value: number | null) => string;
  formatTick: (value: number) => string;
  /** The lowest that the top of the y axis may be, so that noise doesn't look like a mountain. */
  ceiling: number;
}

/** A chart over time with a legend, a crosshair shared with its neighbours, and the same by keyboard. */
export function TimeChart(props: TimeChartProps) {
  const { title, summary, kind, buckets, series, height, format, formatTick, ceiling } = props;
  const id = useId();
  const [ref, width] = useWidth<HTMLDivElement>();
  const { cursor, setCursor } = useChartCursor();
  const geometry = useMemo(
    () => layOut({ width, height }, buckets, highestOf(series, kind === "bars"), ceiling),
    [width, height, buckets, series, kind, ceiling],
  );
  const last = buckets.starts.length - 1;
  const index = cursor === null || cursor.index > last ? null : cursor.index;
  const describe = (at: number) =>
    `${bucketLabel(buckets, at)}: ${series.map((one) => `${one.label} ${format(one.values[at] ?? null)}`).join(", ")}`;

  const onKeyDown = (event: KeyboardEvent) => {
    const target = keyTarget(event, index ?? last, last);
    if (target === null) return;
    event.preventDefault();
    setCursor({ index: target, chart: id });
  };

  const marks = useMemo(
    () =>
      kind === "bars" ? (
        <Bars series={series} geometry={geometry} />
      ) : (
        <Lines series={series} geometry={geometry} filled={kind === "area"} />
      ),
    [kind, series, geometry],
  );

  return (
    <figure aria-label={title}>
      <figcaption className="mb-3 flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <span className="text-13 font-medium">{title}</span>
        <span className="sr-only">{summary}</span>
        <Legend series={series} index={index} format={format} />
      </figcaption>
      <div ref={ref} className="relative" style={{ height }}>
        <div
          role="slider"
          tabIndex={0}
          aria-label={`${title}, by time`}
          aria-valuemin={0}
          aria-valuemax={Math.max(last, 0)}
          aria-valuenow={index ?? Math.max(last, 0)}
          aria-valuetext={describe(index ?? last)}
          className="absolute inset-0 touch-pan-y rounded-sm"
          onKeyDown={onKeyDown}
          onBlur={() => setCursor(null)}
          onPointerLeave={() => setCursor(null)}
          onPointerMove={(event) => {
            const pixel = event.clientX - event.currentTarget.getBoundingClientRect().left;
            const at = geometry.indexAt(pixel);
            if (at !== cursor?.index || cursor.chart !== id) setCursor({ index: at, chart: id });
          }}
        >
          {width > 0 && (
            <svg width={width} height={height} aria-hidden className="block overflow-visible">
              <Axes geometry={geometry} formatTick={formatTick} />
              {kind === "bars" && index !== null && <Band geometry={geometry} index={index} />}
              {marks}
              {kind !== "bars" && index !== null && (
                <Hair geometry={geometry} index={index} series={series} />
              )}
            </svg>
          )}
        </div>
        {index !== null && cursor?.chart === id && (
          <ChartTooltip
            heading={bucketLabel(buckets, index)}
            series={series}
            index={index}
            format={format}
            note={index === last ? "Still filling" : null}
            x={geometry.x(index)}
            width={width}
          />
        )}
      </div>
    </figure>
  );
}

interface LegendProps {
  series: readonly ChartSeries[];
  index: number | null;
  format: (value: number | null) => string;
}

function Legend({ series, index, format }: LegendProps) {
  return (
    <span className="ml-auto flex flex-wrap gap-x-3.5 text-xs text-muted">
      {series.map(({ key, label, color, values }) => (
        <span key={key} className="inline-flex items-center gap-1.5">
          <span aria-hidden className="size-2 rounded-[2px]" style={{ background: color }} />
          {label}
          {index !== null && (
            <span aria-hidden className="font-medium text-foreground tabular-nums">
              {format(values[index] ?? null)}
            </span>
          )}
        </span>
      ))}
    </span>
  );
}

function Band({ geometry, index }: { geometry: Geometry; index: number }) {
  const { x, band, top, bottom } = geometry;
  return (
    <rect
      x={x(index) - band / 2}
      y={top}
      width={band}
      height={bottom - top}
      fill="var(--foreground)"
      opacity={0.07}
    />
  );
}

function Hair({
  geometry,
  index,
  series,
}: {
  geometry: Geometry;
  index: number;
  series: readonly ChartSeries[];
}) {
  const { x, y, top, bottom } = geometry;
  return (
    <g>
      <line
        x1={x(index)}
        x2={x(index)}
        y1={top}
        y2={bottom}
        stroke="var(--line-strong)"
        shapeRendering="crispEdges"
      />
      {series.map(({ key, color, values }) => {
        const value = values[index] ?? null;
        return (
          value !== null && (
            <circle
              key={key}
              cx={x(index)}
              cy={y(value)}
              r={3.5}
              fill={color}
              stroke="var(--panel)"
              strokeWidth={2}
            />
          )
        );
      })}
    </g>
  );
}

function bucketLabel(buckets: Buckets, index: number): string {
  const start = buckets.starts[index];
  return start === undefined ? "" : formatBucket(start, buckets.seconds);
}

function keyTarget(event: KeyboardEvent, index: number, last: number): number | null {
  switch (event.key) {
    case "ArrowLeft":
      return Math.max(0, index - 1);
    case "ArrowRight":
      return Math.min(last, index + 1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
