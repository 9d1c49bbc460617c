import { niceTicks, yScale } from "@/lib/chart/scale";
import { type TimeTick, timeTicks } from "@/lib/chart/time-ticks";

/** One line, or one layer of a stack. */
export interface ChartSeries {
  key: string;
  label: string;
  /** A CSS colour. */
  color: string;
  values: readonly (number | null)[];
}

/** Buckets of equal length, in milliseconds since 1970. */
export interface Buckets {
  starts: readonly number[];
  seconds: number;
}

/** Where things stand in the plot, in pixels. */
export interface Geometry {
  left: number;
  right: number;
  top: number;
  bottom: number;
  band: number;
  yTicks: readonly number[];
  xTicks: readonly TimeTick[];
  /** The middle of a bucket. */
  x: (index: number) => number;
  xOfTime: (time: number) => number;
  y: (value: number) => number;
  /** The bucket under a pixel. */
  indexAt: (pixel: number) => number;
}

const GUTTER = { left: 46, right: 2, top: 8, bottom: 22 };
const TICK_WIDTH = 64;

/** Lays a plot out. `ceiling` is the lowest that the top of the y axis may be. */
export function layOut(
  size: { width: number; height: number },
  buckets: Buckets,
  highest: number,
  ceiling: number,
): Geometry {
  const left = GUTTER.left;
  const right = Math.max(left + 1, size.width - GUTTER.right);
  const top = GUTTER.top;
  const bottom = size.height - GUTTER.bottom;
  const count = Math.max(1, buckets.starts.length);
  const band = (right - left) / count;
  const yTicks = niceTicks(Math.max(highest, ceiling), size.height > 190 ? 4 : 3);
  const start = buckets.starts[0] ?? 0;
  const milliseconds = buckets.seconds * 1000;
  const most = Math.max(2, Math.floor((right - left) / TICK_WIDTH));
  return {
    left,
    right,
    top,
    bottom,
    band,
    yTicks,
    xTicks: timeTicks(start, start + count * milliseconds, most),
    x: (index) => left + (index + 0.5) * band,
    xOfTime: (time) => left + ((time - start) / milliseconds) * band,
    y: yScale(yTicks.at(-1) ?? 1, top, bottom),
    indexAt: (pixel) => Math.min(count - 1, Math.max(0, Math.floor((pixel - left) / band))),
  };
}

/** The highest value drawn: of a stack's sums, or of all lines. */
export function highestOf(series: readonly ChartSeries[], stacked: boolean): number {
  const length = series[0]?.values.length ?? 0;
  let highest = 0;
  for (let index = 0; index < length; index++) {
    const values = series.map((one) => one.values[index] ?? 0);
    highest = Math.max(
      highest,
      stacked ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values),
    );
  }
  return highest;
}
