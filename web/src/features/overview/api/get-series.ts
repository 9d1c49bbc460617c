import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";
import type { TimeRangeName } from "@/lib/time-range";

export type Series = components["schemas"]["Series"];
export type Point = components["schemas"]["Point"];

/** One server's numbers over time. */
export function seriesQuery(serverId: number, range: TimeRangeName) {
  return queryOptions({
    queryKey: ["server", serverId, "series", range],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/servers/{server_id}/series", {
          params: { path: { server_id: serverId }, query: { range } },
          signal,
        }),
      ),
    ...live(serverId),
  });
}
