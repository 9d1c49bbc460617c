/** What stands where there is no number. */
export const NONE = "–";
const SPACE = "\u00a0";

/** A number apart from its unit, so that the unit can be set smaller. */
export interface Quantity {
  value: string;
  unit: string;
}

/** 812, 9,120, 12.3k, 4.5M: exact while it fits in five characters. */
export function formatCount(count: number | null): string {
  if (count === null) return NONE;
  return count < 10_000 ? count.toLocaleString("en", { maximumFractionDigits: 0 }) : formatCompact(count);
}

/** 20,684: every digit, for a sentence. */
export const formatExact = (count: number): string => count.toLocaleString("en");

/** 950, 1k, 12.3k, 4.5M: as short as it gets, for axes. */
export function formatCompact(count: number): string {
  for (const [size, suffix] of [
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    // 999,950 and more round up to the next suffix.
    if (count >= size * 0.99995 && count >= 1000) return `${trim(count / size, 1)}${suffix}`;
  }
  return trim(count, 1);
}

/** Milliseconds as a quantity: 0.8 ms, 340 ms, 1.2 s, 3.5 min. */
export function durationQuantity(ms: number | null): Quantity {
  if (ms === null) return { value: NONE, unit: "" };
  if (ms < 0.095) return { value: trim(ms, 2), unit: "ms" };
  if (ms < 9.95) return { value: trim(ms, 1), unit: "ms" };
  if (ms < 999.5) return { value: trim(ms, 0), unit: "ms" };
  const seconds = ms / 1000;
  if (seconds < 99.95) return { value: seconds.toFixed(1), unit: "s" };
  if (seconds < 3597) return { value: (seconds / 60).toFixed(1), unit: "min" };
  return { value: (seconds / 3600).toFixed(1), unit: "h" };
}

/** A fraction of one as a quantity in per cent: 0 %, 0.42 %, 4.2 %, 100 %. */
export function percentQuantity(fraction: number | null): Quantity {
  if (fraction === null) return { value: NONE, unit: "" };
  const percent = fraction * 100;
  if (percent === 0 || percent === 100) return { value: String(percent), unit: "%" };
  if (percent < 0.005) return { value: "<0.01", unit: "%" };
  // Some failures are never shown as none, nor as all.
  return { value: percent < 0.995 ? percent.toFixed(2) : Math.min(percent, 99.9).toFixed(1), unit: "%" };
}

export const formatDuration = (ms: number | null): string => join(durationQuantity(ms));
export const formatPercent = (fraction: number | null): string => join(percentQuantity(fraction));

/** Durations and shares on an axis, which stands on round numbers: 2 s, 20 %, and a plain 0. */
export const formatDurationTick = (ms: number): string => tick(durationQuantity(ms));
export const formatPercentTick = (fraction: number): string => tick(percentQuantity(fraction));

/** How long ago: now, 8 s ago, 5 min ago, 2 h ago, 3 d ago. */
export function formatAgo(then: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - then.getTime()) / 1000);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${Math.floor(seconds)}${SPACE}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${SPACE}min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}${SPACE}h ago`;
  return `${Math.floor(seconds / 86_400)}${SPACE}d ago`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const CLOCK_SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A moment in local time, to the second. */
export const formatMoment = (time: Date): string => MOMENT.format(time);

/** A time of day in local time, to the second. */
export const formatClock = (time: Date): string => CLOCK_SECONDS.format(time);

/** A chart's bucket in local time: "Sun, 23 Nov · 14:15 – 14:30", or the days alone where it is that long. */
export function formatBucket(start: number, seconds: number): string {
  const from = new Date(start);
  const to = new Date(start + seconds * 1000);
  if (seconds < 86_400) return `${DAY.format(from)} · ${CLOCK.format(from)} – ${CLOCK.format(to)}`;
  return `${DAY.format(from)}, ${CLOCK.format(from)} – ${DAY.format(to)}, ${CLOCK.format(to)}`;
}

/** A quantity in one text. */
export function join({ value, unit }: Quantity): string {
  return unit === "" ? value : `${value}${SPACE}${unit}`;
}

function tick({ value, unit }: Quantity): string {
  return Number(value) === 0 ? "0" : join({ value: String(Number(value)), unit });
}

function trim(number: number, digits: number): string {
  return String(Number(number.toFixed(digits)));
}
