const KEY = "mcp-obs-server";

/** Remembers which server was looked at, for the next visit. */
export function rememberServer(id: number): void {
  try {
    localStorage.setItem(KEY, String(id));
  } catch {
    // Where storage is forbidden, the next visit starts with the first server.
  }
}

interface Choice {
  id: number;
  last_used_at?: string | null;
}

/** The server to show when the address names none: the one looked at last, else the one that sent last. */
export function chooseServer<Server extends Choice>(servers: readonly Server[]): Server | undefined {
  let last: string | null = null;
  try {
    last = localStorage.getItem(KEY);
  } catch {
    last = null;
  }
  const newest = servers.toSorted((one, other) =>
    (other.last_used_at ?? "").localeCompare(one.last_used_at ?? ""),
  )[0];
  return servers.find((server) => String(server.id) === last) ?? newest;
}
