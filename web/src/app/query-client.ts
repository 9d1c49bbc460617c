import { QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError, isFinal } from "@/lib/api/error";

/** The cache of all that was read. `onSignedOut` is called when an answer says that the session has ended. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (error instanceof ApiError && error.status === 401 && query.meta?.["quiet"] !== true)
          onSignedOut();
      },
    }),
    defaultOptions: {
      queries: { retry: (failures, error) => !isFinal(error) && failures < 2 },
    },
  });
}
