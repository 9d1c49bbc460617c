const POLL_MS = 10_000;

/**
 * Options for data that is looked at while it changes: asked again every ten seconds while the tab is visible,
 * and while another range of the same server loads, the old one stays on screen.
 */
export function live(serverId: number) {
  return {
    refetchInterval: POLL_MS,
    refetchIntervalInBackground: false,
    staleTime: POLL_MS / 2,
    placeholderData: <Data>(
      previous: Data | undefined,
      query: { queryKey: readonly unknown[] } | undefined,
    ): Data | undefined => (query?.queryKey[1] === serverId ? previous : undefined),
  };
}
