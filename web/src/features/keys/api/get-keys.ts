import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";
import { live } from "@/lib/api/live";
import type { components } from "@/lib/api/schema";

export type ApiKey = components["schemas"]["ApiKeyOut"];

/** A server's API keys, newest first, revoked ones included. */
export function keysQuery(serverId: number) {
  return queryOptions({
    queryKey: ["server", serverId, "keys"],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/servers/{server_id}/keys", { params: { path: { server_id: serverId } }, signal })),
    ...live(serverId),
  });
}
