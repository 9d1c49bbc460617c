import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

/** A place held while its content loads. */
export function Skeleton({ className, ...props }: ComponentProps<"div">) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-sunken", className)} {...props} />;
}
