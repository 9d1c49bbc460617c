import { areaPath, linePath } from "@/lib/chart/path";
import { cn } from "@/lib/cn";

const WIDTH = 100;
const HEIGHT = 28;
const PAD = 2;

interface SparklineProps {
  values: readonly (number | null)[];
  color: string;
  className?: string;
}

/** The shape of a course, without axes; decoration beside a number that says it in words. */
export function Sparkline({ values, color, className }: SparklineProps) {
  const highest = Math.max(...values.map((value) => value ?? 0), 0);
  const step = WIDTH / Math.max(1, values.length - 1);
  const y = (value: number) => HEIGHT - PAD - (highest === 0 ? 0 : (value / highest) * (HEIGHT - 2 * PAD));
  // Too small to show gaps: the line goes on to the next value.
  const spots = values.flatMap((value, index) => (value === null ? [] : [[index * step, y(value)] as const]));
  return (
    <svg
      aria-hidden
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className={cn("block h-7 w-full overflow-visible", className)}
    >
      <path d={areaPath(spots, HEIGHT)} fill={color} opacity={0.12} />
      <path
        d={linePath(spots)}
        fill="none"
        stroke={color}
        strokeWidth={1.25}
        strokeLinejoin="round"
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
