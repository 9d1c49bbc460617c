export interface TimeTick {
  time: number;
  label: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONDAY = new Date(2024, 0, 1).getTime();
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Ticks on whole local hours or days between two times, at most `most` of them; midnights carry their date. */
export function timeTicks(start: number, end: number, most: number): TimeTick[] {
  const length = end - start;
  const hours = [1, 2, 3, 4, 6, 8, 12].find((step) => length / (step * HOUR) <= most);
  if (hours !== undefined && length <= 2 * DAY) return hourTicks(start, end, hours);
  const days = [1, 2, 3, 5, 7, 10, 14, 21, 30].find((step) => length / (step * DAY) <= most) ?? 60;
  return dayTicks(start, end, days);
}

function hourTicks(start: number, end: number, step: number): TimeTick[] {
  const ticks: TimeTick[] = [];
  const cursor = new Date(startOfDay(start));
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
  const cursor = new Date(startOfDay(start));
  for (; cursor.getTime() < end; cursor.setDate(cursor.getDate() + 1)) {
    // Counted from a fixed Monday, so that a tick stays where it is as the range moves on.
    const day = Math.round((cursor.getTime() - MONDAY) / DAY);
    if (day % step === 0 && cursor.getTime() >= start) {
      ticks.push({ time: cursor.getTime(), label: DATE.format(cursor) });
    }
  }
  return ticks;
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
