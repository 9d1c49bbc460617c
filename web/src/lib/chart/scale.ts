/** Round numbers from 0 to at least `max`, about `count` steps of 1, 2, 2.5 or 5 times a power of ten. */
export function niceTicks(max: number, count: number): number[] {
  if (max <= 0) return [0, 1];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  const step = factor * power;
  const steps = Math.ceil((max * 0.999) / step);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Maps [0, max] to pixels from the bottom edge up. */
export function yScale(max: number, top: number, bottom: number): (value: number) => number {
  return (value) => bottom - (value / max) * (bottom - top);
}
