/** How a number moved against the period before, and whether that is welcome. */
export interface Change {
  text: string;
  direction: "up" | "down" | "flat";
  tone: "good" | "bad" | "neutral";
}

/** `rise`: what a higher number means. `points`: the number is a rate, whose change is counted in points. */
interface Reading {
  rise: "bad" | "neutral";
  unit: "relative" | "points";
}

// Smaller moves are noise; a colour would cry wolf.
const WORTH_A_COLOUR = { "%": 10, pp: 0.1 } as const;

/** Null where there is nothing to compare with. */
export function changeOf(value: number | null, previous: number | null, reading: Reading): Change | null {
  if (value === null || previous === null) return null;
  if (reading.unit === "points") return describe((value - previous) * 100, "pp", reading.rise, 2);
  if (previous === 0) return null;
  const ratio = value / previous;
  if (ratio >= 10) return { text: `×${Math.round(ratio)}`, direction: "up", tone: reading.rise };
  const percent = (ratio - 1) * 100;
  return describe(percent, "%", reading.rise, Math.abs(percent) < 10 ? 1 : 0);
}

function describe(
  amount: number,
  unit: keyof typeof WORTH_A_COLOUR,
  rise: Reading["rise"],
  digits: number,
): Change {
  const rounded = Number(Math.abs(amount).toFixed(digits));
  const text = `${rounded}\u00a0${unit}`;
  if (rounded === 0) return { text, direction: "flat", tone: "neutral" };
  const direction = amount > 0 ? "up" : "down";
  if (rounded < WORTH_A_COLOUR[unit] || rise === "neutral") return { text, direction, tone: "neutral" };
  return { text, direction, tone: direction === "up" ? "bad" : "good" };
}
