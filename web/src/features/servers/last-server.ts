const KEY = "mcp-obs-server";

/** Remembers which server was looked at, for the next visit. */
export function rememberServer(id: number): void {
  try {
    localStorage.setItem(KEY, String(id));
  } catch {
    // Where storage is forbidden, the next visit starts with the first server.
  }
}

/** The server to show when the address names none: the one looked at last, else the first. */
export function chooseServer<Server extends { id: number }>(servers: readonly Server[]): Server | undefined {
  let last: string | null = null;
  try {
    last = localStorage.getItem(KEY);
  } catch {
    last = null;
  }
  return servers.find((server) => String(server.id) === last) ?? servers[0];
}
