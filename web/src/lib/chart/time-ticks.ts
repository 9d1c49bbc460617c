export interface TimeTick {
  time: number;
  label: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Ticks on whole local hours or days between two times, at most `most` of them; midnights carry their date. */
export function timeTicks(start: number, end: number, most: number): TimeTick[] {
  const length = end - start;
  const hours = [1, 2, 3, 4, 6, 12].find((step) => length / (step * HOUR) <= most);
  if (hours !== undefined && length <= 2 * DAY) return hourTicks(start, end, hours);
  const days = [1, 2, 3, 5, 7, 14, 30].find((step) => length / (step * DAY) <= most) ?? 30;
  return dayTicks(start, end, days);
}

function hourTicks(start: number, end: number, step: number): TimeTick[] {
  const ticks: TimeTick[] = [];
  const cursor = new Date(start);
  cursor.setHours(0, 0, 0, 0);
  // setHours, not addition: where clocks change, a day has 23 or 25 hours.
  for (let hour = 0; cursor.getTime() < end; hour += step) {
    cursor.setTime(startOfDay(start));
    cursor.setHours(hour);
    const time = cursor.getTime();
    const label = cursor.getHours() === 0 ? DATE.format(cursor) : CLOCK.format(cursor);
    if (time >= start && time < end) ticks.push({ time, label });
  }
  return ticks;
}

function dayTicks(start: number, end: number, step: number): TimeTick[] {
  const ticks: TimeTick[] = [];
  const cursor = new Date(startOfDay(end));
  // Counted back from the newest day, so that a tick doesn't jump as the range moves on.
  while (cursor.getTime() >= start) {
    if (cursor.getTime() < end) ticks.unshift({ time: cursor.getTime(), label: DATE.format(cursor) });
    cursor.setDate(cursor.getDate() - step);
  }
  return ticks;
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
