import { FlaskConicalIcon } from "lucide-react";

import { formatCount } from "@/lib/format";

interface GeneratedNoteProps {
  generated: number;
  calls: number;
}

/** Says that numbers are not from real use. */
export function GeneratedNote({ generated, calls }: GeneratedNoteProps) {
  return (
    <p className="flex items-start gap-2 rounded-lg bg-warn-soft px-3.5 py-2 text-13">
      <FlaskConicalIcon aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
      <span>
        {formatCount(generated)} of {formatCount(calls)} calls in this range are generated demo data.
      </span>
    </p>
  );
}
