import { ToggleGroup, ToggleGroupItem } from "@/components/ui/toggle-group";
import type { TimeRange } from "@/lib/time-range";

interface TimeRangePickerProps<Name extends string> {
  ranges: readonly TimeRange<Name>[];
  value: Name;
  onChange: (range: Name) => void;
}

/** Chooses the stretch of time to look at. */
export function TimeRangePicker<Name extends string>({
  ranges,
  value,
  onChange,
}: TimeRangePickerProps<Name>) {
  const choose = (next: string) => {
    // Radix answers "" when the chosen one is pressed again; it stays chosen.
    const range = ranges.find(({ name }) => name === next);
    if (range !== undefined) onChange(range.name);
  };
  return (
    <ToggleGroup type="single" value={value} aria-label="Time range" onValueChange={choose}>
      {ranges.map(({ name, label, words }) => (
        <ToggleGroupItem key={name} value={name} aria-label={words}>
          {label}
        </ToggleGroupItem>
      ))}
    </ToggleGroup>
  );
}
