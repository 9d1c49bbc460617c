import { ArrowDownIcon, ArrowUpIcon, MinusIcon } from "lucide-react";

import type { Change } from "@/lib/change";
import { cn } from "@/lib/cn";

const TONES = { good: "text-good", bad: "text-bad", neutral: "text-muted" } as const;
const ICONS = { up: ArrowUpIcon, down: ArrowDownIcon, flat: MinusIcon } as const;
const WORDS = { up: "up", down: "down", flat: "unchanged" } as const;

/** How a number moved against the period before. */
export function ChangeBadge({ change, previous }: { change: Change; previous: string }) {
  const Icon = ICONS[change.direction];
  return (
    <span
      title={`Before: ${previous}`}
      className={cn("inline-flex items-center gap-0.5 text-xs font-medium tabular-nums", TONES[change.tone])}
    >
      <Icon aria-hidden className="size-3" strokeWidth={2.5} />
      <span className="sr-only">{WORDS[change.direction]} </span>
      {change.text}
      <span className="sr-only"> from {previous}</span>
    </span>
  );
}
