import type { ReactNode } from "react";

import { Logo } from "@/components/logo";

/** A page of its own, outside the shell: a mark and a few words in the middle. */
export function FullPage({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-5 py-12">
      <Logo className="mb-6 size-10" />
      {children}
    </main>
  );
}
