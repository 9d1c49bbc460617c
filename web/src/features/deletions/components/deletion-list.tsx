import { CircleCheckIcon, LoaderCircleIcon } from "lucide-react";

import { formatAgo, formatMoment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import type { Deletion } from "../api/get-deletions";

const NOW_MS = 5000;

/** Each deletion and how far it is, newest first. */
export function DeletionList({ deletions }: { deletions: readonly Deletion[] }) {
  const now = useNow(NOW_MS);
  return (
    <ul aria-label="Deletions">
      {deletions.map((deletion) => (
        <li
          key={deletion.id}
          className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1 border-t border-line px-4 py-3 text-13"
        >
          <State deletion={deletion} now={now} />
          <span className="text-xs text-muted">
            requested <Moment time={deletion.requested_at} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function State({ deletion, now }: { deletion: Deletion; now: Date }) {
  if (deletion.finished_at === null) {
    return (
      <span role="status" className="flex min-w-0 items-center gap-2">
        <LoaderCircleIcon aria-hidden className="size-4 shrink-0 text-muted motion-safe:animate-spin" />
        <span className="min-w-0 break-words">
          Deleting <code className="font-mono text-xs break-all">{deletion.user_id}</code>
          {deletion.waits_for.map((process) => (
            <span key={process.id} className="block text-xs text-muted">
              waits for the process <code className="font-mono break-all">{process.id}</code>, last seen{" "}
              <Moment time={process.seen_at} now={now} />
            </span>
          ))}
        </span>
      </span>
    );
  }
  const rows = deletion.rows_removed ?? 0;
  return (
    <span className="flex items-center gap-2">
      <CircleCheckIcon aria-hidden className="size-4 shrink-0 text-good" />
      <span>
        A user’s data is deleted: {rows.toLocaleString("en")} {rows === 1 ? "row" : "rows"}
      </span>
    </span>
  );
}

function Moment({ time, now }: { time: string; now: Date }) {
  const date = new Date(time);
  return (
    <time dateTime={time} title={formatMoment(date)}>
      {formatAgo(date, now)}
    </time>
  );
}
