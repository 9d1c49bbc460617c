import { areaPath, bridgePath, linePath, loneSpots } from "@/lib/chart/path";

import type { ChartSeries, Geometry } from "./geometry";

interface MarksProps {
  series: readonly ChartSeries[];
  geometry: Geometry;
}

/** Stacked bars, the first series at the bottom. The last bucket is still filling, so it is drawn fainter. */
export function Bars({ series, geometry }: MarksProps) {
  const { band, x, y, bottom } = geometry;
  const width = Math.max(1, band - Math.min(3, band * 0.24));
  // Between bars of three pixels a gap is noise.
  const gap = band < 5 ? 0 : 0.75;
  const count = series[0]?.values.length ?? 0;
  const layers: { key: string; path: string; color: string; opacity: number }[] = [];
  const bases = Array.from({ length: count }, () => bottom);
  for (const { key, color, values } of series) {
    const rectangles = values.map((value, index) => {
      const base = bases[index] ?? bottom;
      if (value === null || value === 0) return "";
      // Even one error in a million has to be visible.
      const top = base - Math.max(1.5, bottom - y(value));
      bases[index] = top - gap;
      return barPath(x(index) - width / 2, top, width, base - top);
    });
    layers.push({ key, path: rectangles.slice(0, -1).join(""), color, opacity: 1 });
    layers.push({ key: `${key}-last`, path: rectangles.at(-1) ?? "", color, opacity: 0.5 });
  }
  return layers.map(({ key, path, color, opacity }) => (
    <path key={key} d={path} fill={color} opacity={opacity} />
  ));
}

function barPath(left: number, top: number, width: number, height: number): string {
  const radius = Math.min(1.5, width / 2, height);
  return `M${left.toFixed(2)},${(top + height).toFixed(2)}v${(radius - height).toFixed(2)}q0,${-radius} ${radius},${-radius}h${(width - 2 * radius).toFixed(2)}q${radius},0 ${radius},${radius}v${(height - radius).toFixed(2)}z`;
}

/** Lines; `filled` shades what is under them. */
export function Lines({ series, geometry, filled }: MarksProps & { filled: boolean }) {
  return series.map(({ key, color, values }) => {
    const spots = values.map((value, index) =>
      value === null ? null : ([geometry.x(index), geometry.y(value)] as const),
    );
    return (
      <g key={key}>
        {filled && <path d={areaPath(spots, geometry.bottom)} fill={color} opacity={0.14} />}
        <path d={bridgePath(spots)} stroke={color} strokeDasharray="1.5 4" opacity={0.55} />
        <path
          d={linePath(spots)}
          fill="none"
          stroke={color}
          strokeWidth={1.6}
          strokeLinejoin="round"
          strokeLinecap="round"
        />
        {loneSpots(spots).map(([x, y]) => (
          <circle key={x} cx={x} cy={y} r={2} fill={color} />
        ))}
      </g>
    );
  });
}
