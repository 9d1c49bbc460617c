import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";

export type Deletion = components["schemas"]["DeletionOut"];

const UNFINISHED_MS = 1500;

/** The latest deletions of users' data of a server, newest first; asked for more often while one goes on. */
export function deletionsQuery(serverId: number) {
  const often = live(serverId);
  return queryOptions({
    queryKey: ["server", serverId, "deletions"],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/servers/{server_id}/deletions", { params: { path: { server_id: serverId } }, signal }),
      ),
    ...often,
    refetchInterval: ({ state }) =>
      state.data?.some(({ finished_at }) => finished_at === null) ? UNFINISHED_MS : often.refetchInterval,
  });
}
