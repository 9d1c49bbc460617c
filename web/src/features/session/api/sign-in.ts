import { useMutation, useQueryClient } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";

import { meQuery } from "./me";

/** Trades a one-time token for a session. */
export function useSignIn(onSignedIn: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => unwrap(api.POST("/api/sign-in", { body: { token } })),
    onSuccess: (me) => {
      // What another person saw on this page is not for this one.
      queryClient.clear();
      queryClient.setQueryData(meQuery.queryKey, me);
      onSignedIn();
    },
  });
}
