import type { Geometry } from "./geometry";

const EDGE = 16;

interface AxesProps {
  geometry: Geometry;
  formatTick: (value: number) => string;
}

/** Grid lines and the labels of both axes. */
export function Axes({ geometry, formatTick }: AxesProps) {
  const { left, right, bottom, xTicks, xOfTime, yTicks, y } = geometry;
  return (
    <g className="fill-faint text-2xs tabular-nums">
      {yTicks.map((tick) => (
        <g key={tick}>
          <line
            x1={left}
            x2={right}
            y1={y(tick)}
            y2={y(tick)}
            stroke="var(--grid)"
            shapeRendering="crispEdges"
          />
          <text x={left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
            {formatTick(tick)}
          </text>
        </g>
      ))}
      {/* A label that would be cut is left out; moved inwards it would lie about its place. */}
      {xTicks
        .filter(({ time }) => xOfTime(time) - left > EDGE && right - xOfTime(time) > EDGE)
        .map(({ time, label }) => (
          <text key={time} x={xOfTime(time)} y={bottom + 16} textAnchor="middle">
            {label}
          </text>
        ))}
    </g>
  );
}
