import { CircleAlertIcon, RotateCwIcon } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

interface NoticeProps {
  title: string;
  children?: ReactNode;
  onRetry?: () => void;
  className?: string;
}

/** Says that something went wrong, what to do, and offers to try again. */
export function Notice({ title, children, onRetry, className }: NoticeProps) {
  return (
    <div role="alert" className={cn("panel flex flex-col items-center px-6 py-12 text-center", className)}>
      <span className="mb-4 grid size-9 place-items-center rounded-full bg-bad-soft text-bad">
        <CircleAlertIcon aria-hidden className="size-4.5" />
      </span>
      <p className="font-medium">{title}</p>
      {children !== undefined && <p className="mt-1 max-w-md text-13 text-muted">{children}</p>}
      {onRetry !== undefined && (
        <Button className="mt-5" onClick={onRetry}>
          <RotateCwIcon aria-hidden />
          Try again
        </Button>
      )}
    </div>
  );
}
