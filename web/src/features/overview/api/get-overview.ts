import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";
import type { TimeRangeName } from "@/lib/time-range";

export type Overview = components["schemas"]["Overview"];

/** One server's numbers, each beside the period before. */
export function overviewQuery(serverId: number, range: TimeRangeName) {
  return queryOptions({
    queryKey: ["server", serverId, "overview", range],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/servers/{server_id}/overview", {
          params: { path: { server_id: serverId }, query: { range } },
          signal,
        }),
      ),
    ...live(serverId),
  });
}
