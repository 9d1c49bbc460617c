type Spot = readonly [x: number, y: number] | null;

/** An SVG path through the spots; a null lifts the pen. */
export function linePath(spots: readonly Spot[]): string {
  return runs(spots)
    .map((run) => `M${run.map(([x, y]) => `${round(x)},${round(y)}`).join("L")}`)
    .join("");
}

/** The area between the spots and a base line. */
export function areaPath(spots: readonly Spot[], base: number): string {
  return runs(spots)
    .map((run) => {
      const [first, last] = [run[0], run.at(-1)];
      if (first === undefined || last === undefined) return "";
      return `${linePath(run)}L${round(last[0])},${round(base)}L${round(first[0])},${round(base)}Z`;
    })
    .join("");
}

/** What joins the runs of a line over its gaps, to be drawn fainter than the line. */
export function bridgePath(spots: readonly Spot[]): string {
  const found = runs(spots);
  return found
    .slice(1)
    .map((run, index) => linePath([found[index]?.at(-1) ?? null, run[0] ?? null]))
    .join("");
}

/** Spots with neither neighbour: a line would not show them, so they are drawn as dots. */
export function loneSpots(spots: readonly Spot[]): (readonly [number, number])[] {
  return runs(spots).flatMap((run) => (run.length === 1 ? run : []));
}

function runs(spots: readonly Spot[]): (readonly [number, number])[][] {
  const found: (readonly [number, number])[][] = [];
  let open: (readonly [number, number])[] | null = null;
  for (const spot of spots) {
    if (spot === null) {
      open = null;
    } else if (open === null) {
      open = [spot];
      found.push(open);
    } else {
      open.push(spot);
    }
  }
  return found;
}

const round = (pixel: number): number => Math.round(pixel * 100) / 100;
