import { ToggleGroup as ToggleGroupPrimitive } from "radix-ui";
import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

/** Choices side by side, one of them on. */
export function ToggleGroup({ className, ...props }: ComponentProps<typeof ToggleGroupPrimitive.Root>) {
  return (
    <ToggleGroupPrimitive.Root
      className={cn(
        "inline-flex h-8 items-center gap-0.5 rounded-md border border-line-strong bg-panel p-0.5",
        className,
      )}
      {...props}
    />
  );
}

/** One of the choices. */
export function ToggleGroupItem({ className, ...props }: ComponentProps<typeof ToggleGroupPrimitive.Item>) {
  return (
    <ToggleGroupPrimitive.Item
      className={cn(
        "h-full min-w-10 cursor-pointer rounded-[4px] px-2.5 text-xs font-medium text-muted tabular-nums transition-colors hover:text-foreground data-[state=on]:bg-highlight data-[state=on]:text-foreground",
        className,
      )}
      {...props}
    />
  );
}
