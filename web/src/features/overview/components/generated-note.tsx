import { FlaskConicalIcon } from "lucide-react";

import { formatExact } from "@/lib/format";

interface GeneratedNoteProps {
  generated: number;
  calls: number;
}

/** Says that numbers are not from real use. */
export function GeneratedNote({ generated, calls }: GeneratedNoteProps) {
  return (
    <p className="inline-flex items-start gap-1.5 rounded-md bg-warn-soft px-2 py-1 text-xs">
      <FlaskConicalIcon aria-hidden className="mt-0.5 size-3.5 shrink-0 text-warn" />
      <span>
        {formatExact(generated)} of {formatExact(calls)} calls in this range are generated demo data
      </span>
    </p>
  );
}
