import { Link } from "@tanstack/react-router";

import { Button } from "@/components/ui/button";

/** An address that leads nowhere. */
export function NotFoundPage() {
  return (
    <div className="flex min-h-[70vh] flex-col items-center justify-center px-5 text-center">
      <p className="text-13 font-medium text-faint tabular-nums">404</p>
      <h1 className="mt-1 text-lg font-semibold tracking-[-0.01em]">There is nothing here</h1>
      <p className="mt-1 text-muted">The server or page may be gone, or belong to another organisation.</p>
      <Button asChild className="mt-5">
        <Link to="/">Go to the overview</Link>
      </Button>
    </div>
  );
}
