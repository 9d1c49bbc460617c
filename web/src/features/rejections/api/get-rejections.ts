import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";

import type { RejectionRange } from "../ranges";

export type Rejection = components["schemas"]["Rejection"];

/** What a server sent and was not kept, by day, signal and reason. */
export function rejectionsQuery(serverId: number, range: RejectionRange) {
  return queryOptions({
    queryKey: ["server", serverId, "rejections", range],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/servers/{server_id}/rejections", {
          params: { path: { server_id: serverId }, query: { range } },
          signal,
        }),
      ),
    ...live(serverId),
  });
}
