import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";
import type { TimeRangeName } from "@/lib/time-range";

export type Tool = components["schemas"]["Tool"];

/** The tools that were called, most called first. */
export function toolsQuery(serverId: number, range: TimeRangeName) {
  return queryOptions({
    queryKey: ["server", serverId, "tools", range],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/servers/{server_id}/tools", {
          params: { path: { server_id: serverId }, query: { range } },
          signal,
        }),
      ),
    ...live(serverId),
  });
}
