import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";

/** The organisation's MCP servers. */
export const serversQuery = queryOptions({
  queryKey: ["server-list"],
  queryFn: ({ signal }) => unwrap(api.GET("/api/servers", { signal })),
  staleTime: 60_000,
});
