import type { Geometry } from "./geometry";

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
      {xTicks.map(({ time, label }) => (
        <text key={time} x={xOfTime(time)} y={bottom + 16} textAnchor={anchor(xOfTime(time), left, right)}>
          {label}
        </text>
      ))}
    </g>
  );
}

/** Labels near an edge are turned inwards so that none is cut. */
function anchor(x: number, left: number, right: number): "start" | "middle" | "end" {
  if (x - left < 18) return "start";
  return right - x < 18 ? "end" : "middle";
}
