import { Table, TableCell, TableHead, TableRow } from "@/components/ui/table";
import { cn } from "@/lib/cn";
import { formatAgo, formatMoment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import type { ApiKey } from "../api/get-keys";

const NOW_MS = 5000;

/** One row for each key. */
export function KeysTable({ keys }: { keys: readonly ApiKey[] }) {
  const now = useNow(NOW_MS);
  if (keys.length === 0) {
    return (
      <p className="border-t border-line px-4 py-10 text-center text-13 text-muted">
        This server has no API key yet.
      </p>
    );
  }
  return (
    <Table aria-label="API keys">
      <thead>
        <tr>
          <TableHead className="pl-4 xl:pl-4">Key</TableHead>
          <TableHead className="max-sm:hidden">Environment</TableHead>
          <TableHead className="max-sm:hidden">Created</TableHead>
          <TableHead className="pr-4 xl:pr-4">Last used</TableHead>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <KeyRow key={key.id} apiKey={key} now={now} />
        ))}
      </tbody>
    </Table>
  );
}

function KeyRow({ apiKey, now }: { apiKey: ApiKey; now: Date }) {
  const revoked = apiKey.revoked_at !== null;
  return (
    <TableRow>
      <TableCell className="pl-4 xl:pl-4">
        <code className={cn("font-mono text-xs", revoked && "text-faint line-through")}>
          {apiKey.prefix}…
        </code>
        {revoked && <span className="ml-2 text-xs text-muted">revoked</span>}
      </TableCell>
      <TableCell className="max-sm:hidden">{apiKey.environment}</TableCell>
      <TableCell className="text-muted max-sm:hidden">
        <Moment time={apiKey.created_at} now={now} />
      </TableCell>
      <TableCell className="pr-4 xl:pr-4">
        {apiKey.last_used_at === null ? (
          <span className="text-muted">never</span>
        ) : (
          <Moment time={apiKey.last_used_at} now={now} />
        )}
      </TableCell>
    </TableRow>
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
