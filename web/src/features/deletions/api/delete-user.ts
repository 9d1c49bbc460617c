import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";

import { deletionsQuery } from "./get-deletions";

/** Deletes what a server has sent of one user. */
export function useDeleteUser(serverId: number) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (userId: string) =>
      unwrap(
        api.POST("/api/servers/{server_id}/deletions", {
          params: { path: { server_id: serverId } },
          body: { user_id: userId },
        }),
      ),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: deletionsQuery(serverId).queryKey }),
  });
}
