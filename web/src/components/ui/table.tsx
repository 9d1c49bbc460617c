import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

/** A table that scrolls sideways in itself where it is too wide. */
export function Table({ className, ...props }: ComponentProps<"table">) {
  return (
    <div className="relative w-full overflow-x-auto">
      <table className={cn("w-full border-collapse text-13", className)} {...props} />
    </div>
  );
}

/** A row. */
export function TableRow({ className, ...props }: ComponentProps<"tr">) {
  return (
    <tr className={cn("border-t border-line transition-colors hover:bg-sunken/60", className)} {...props} />
  );
}

/** A column's heading. */
export function TableHead({ className, ...props }: ComponentProps<"th">) {
  return (
    <th
      scope="col"
      className={cn(
        "h-9 px-2.5 xl:px-3 text-left text-xs font-medium whitespace-nowrap text-muted",
        className,
      )}
      {...props}
    />
  );
}

/** A cell. */
export function TableCell({ className, ...props }: ComponentProps<"td">) {
  return <td className={cn("h-11 px-2.5 xl:px-3 whitespace-nowrap", className)} {...props} />;
}
