import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

/** A field for one line of text. */
export function Input({ className, ...props }: ComponentProps<"input">) {
  return (
    <input
      className={cn(
        "h-9 w-full min-w-0 rounded-md border border-line-strong bg-background px-3 text-13 placeholder:text-faint aria-invalid:border-bad",
        className,
      )}
      {...props}
    />
  );
}
