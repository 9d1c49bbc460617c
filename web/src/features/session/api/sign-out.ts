import { useMutation } from "@tanstack/react-query";

import { api, done } from "@/lib/api/client";

/** Ends the session. */
export function useSignOut(onSignedOut: () => void) {
  return useMutation({
    mutationFn: () => done(api.POST("/api/sign-out")),
    onSuccess: onSignedOut,
  });
}
