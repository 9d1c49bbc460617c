import { useQuery } from "@tanstack/react-query";

import { Notice } from "@/components/notice";
import { describeError } from "@/lib/api/error";

import { useDeleteUser } from "../api/delete-user";
import { deletionsQuery } from "../api/get-deletions";
import { DeletionList } from "./deletion-list";
import { UserForm } from "./user-form";

interface DeletionsPanelProps {
  serverId: number;
  serverName: string;
}

/** Where one user's data is deleted, and how far that is. */
export function DeletionsPanel({ serverId, serverName }: DeletionsPanelProps) {
  const deletions = useQuery(deletionsQuery(serverId));
  const deletion = useDeleteUser(serverId);
  return (
    <section aria-labelledby="deletions" className="panel min-w-0 overflow-hidden">
      <div className="px-4 py-3.5">
        <h2 id="deletions" className="text-13 font-medium">
          Users’ data
        </h2>
        <p className="mt-0.5 max-w-2xl text-13 text-muted">
          Delete everything that this server has sent of one user. What it sends of them later is kept.
        </p>
      </div>
      <UserForm
        serverName={serverName}
        isBusy={deletion.isPending}
        problem={deletion.isError ? describeError(deletion.error) : undefined}
        onDelete={(userId) => deletion.mutateAsync(userId)}
      />
      {deletions.data === undefined && deletions.isError && (
        <Notice
          className="rounded-none border-0 border-t"
          title="The deletions can't be shown"
          onRetry={() => void deletions.refetch()}
        >
          {describeError(deletions.error)}
        </Notice>
      )}
      {deletions.data !== undefined && deletions.data.length > 0 && (
        <DeletionList deletions={deletions.data} />
      )}
    </section>
  );
}
