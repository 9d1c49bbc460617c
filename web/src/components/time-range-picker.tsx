import { ToggleGroup, ToggleGroupItem } from "@/components/ui/toggle-group";
import { parseRange, RANGES, type TimeRangeName } from "@/lib/time-range";

interface TimeRangePickerProps {
  value: TimeRangeName;
  onChange: (range: TimeRangeName) => void;
}

/** Chooses the stretch of time to look at. */
export function TimeRangePicker({ value, onChange }: TimeRangePickerProps) {
  return (
    <ToggleGroup
      type="single"
      value={value}
      aria-label="Time range"
      // Radix answers "" when the chosen one is pressed again; it stays chosen.
      onValueChange={(next) => next !== "" && onChange(parseRange(next))}
    >
      {RANGES.map(({ name, label, words }) => (
        <ToggleGroupItem key={name} value={name} aria-label={words}>
          {label}
        </ToggleGroupItem>
      ))}
    </ToggleGroup>
  );
}
