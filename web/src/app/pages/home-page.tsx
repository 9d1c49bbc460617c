import { NoServers } from "@/features/servers/components/no-servers";

/** / of an organisation that has no server; with one, the router goes there. */
export function HomePage() {
  return <NoServers />;
}
