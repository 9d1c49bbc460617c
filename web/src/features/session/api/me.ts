import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/lib/api/client";

/** Who is signed in. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => unwrap(api.GET("/api/me", { signal })),
  staleTime: 5 * 60_000,
  // Whoever asks this expects that nobody may be signed in.
  meta: { quiet: true },
});
