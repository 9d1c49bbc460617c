import { useQuery } from "@tanstack/react-query";

import { Notice } from "@/components/notice";
import { Skeleton } from "@/components/ui/skeleton";
import { describeError } from "@/lib/api/error";

import { keysQuery } from "../api/get-keys";
import { KeysTable } from "./keys-table";

/** The server's API keys and when each was last used. */
export function KeysPanel({ serverId }: { serverId: number }) {
  const keys = useQuery(keysQuery(serverId));
  if (keys.data === undefined && keys.isError) {
    return (
      <Notice title="The API keys can't be shown" onRetry={() => void keys.refetch()}>
        {describeError(keys.error)}
      </Notice>
    );
  }
  return (
    <section aria-labelledby="keys" className="panel min-w-0 overflow-hidden">
      <div className="px-4 py-3.5">
        <h2 id="keys" className="text-13 font-medium">
          API keys
        </h2>
        <p className="mt-0.5 text-13 text-muted">
          <code className="font-mono text-xs text-foreground">mcp-obs keys</code> creates and revokes them
        </p>
      </div>
      {keys.data === undefined ? (
        <div role="status" aria-label="Loading" className="border-t border-line px-4 py-4">
          <Skeleton className="h-3.5 w-full max-w-lg" />
        </div>
      ) : (
        <KeysTable keys={keys.data} />
      )}
    </section>
  );
}
