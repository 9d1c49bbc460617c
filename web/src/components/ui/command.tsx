import { Command as CommandPrimitive } from "cmdk";
import { SearchIcon } from "lucide-react";
import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

/** A list to search and choose from by keyboard. */
export function Command({ className, ...props }: ComponentProps<typeof CommandPrimitive>) {
  return <CommandPrimitive className={cn("flex flex-col overflow-hidden", className)} {...props} />;
}

/** Where one types to search. */
export function CommandInput({ className, ...props }: ComponentProps<typeof CommandPrimitive.Input>) {
  return (
    <div className="flex items-center gap-2 border-b border-line px-3">
      <SearchIcon aria-hidden className="size-4 shrink-0 text-faint" />
      <CommandPrimitive.Input
        className={cn("h-10 w-full bg-transparent text-13 outline-none placeholder:text-faint", className)}
        {...props}
      />
    </div>
  );
}

/** The list. */
export function CommandList({ className, ...props }: ComponentProps<typeof CommandPrimitive.List>) {
  return (
    <CommandPrimitive.List
      className={cn("max-h-72 overflow-x-hidden overflow-y-auto p-1", className)}
      {...props}
    />
  );
}

/** What stands there when nothing is found. */
export function CommandEmpty(props: ComponentProps<typeof CommandPrimitive.Empty>) {
  return <CommandPrimitive.Empty className="py-6 text-center text-13 text-muted" {...props} />;
}

/** One choice. */
export function CommandItem({ className, ...props }: ComponentProps<typeof CommandPrimitive.Item>) {
  return (
    <CommandPrimitive.Item
      className={cn(
        "flex cursor-pointer items-center gap-2 rounded-md px-2 py-1.5 text-13 outline-none select-none data-[selected=true]:bg-highlight",
        className,
      )}
      {...props}
    />
  );
}
