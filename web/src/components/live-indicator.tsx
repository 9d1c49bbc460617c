import { Tooltip } from "@/components/ui/tooltip";
import { cn } from "@/lib/cn";
import { formatClock } from "@/lib/format";

interface LiveIndicatorProps {
  /** When the data on screen was read, in milliseconds since 1970. */
  updatedAt: number;
  failing: boolean;
}

/** Says quietly that the page renews itself, and plainly when it can't. */
export function LiveIndicator({ updatedAt, failing }: LiveIndicatorProps) {
  const time = formatClock(new Date(updatedAt));
  return (
    <Tooltip
      text={failing ? `Showing ${time}; trying again every 10 seconds` : `Updated ${time}, every 10 seconds`}
    >
      <button
        type="button"
        className={cn(
          "inline-flex h-8 cursor-default items-center gap-2 rounded-md px-1.5 text-xs",
          failing ? "text-warn" : "text-muted",
        )}
      >
        <span className="relative flex size-2" aria-hidden>
          {!failing && (
            <span className="absolute inset-0 animate-ping rounded-full bg-good opacity-40 [animation-duration:2.4s]" />
          )}
          <span className={cn("relative size-2 rounded-full", failing ? "bg-warn" : "bg-good")} />
        </span>
        <span role="status">{failing ? "Can't refresh" : "Live"}</span>
      </button>
    </Tooltip>
  );
}
