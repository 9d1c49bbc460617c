import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams } from "@tanstack/react-router";

import { Logo } from "@/components/logo";
import { ServerSwitcher } from "@/features/servers/components/server-switcher";
import { UserMenu } from "@/features/session/components/user-menu";
import { ThemeMenu } from "@/features/theme/components/theme-menu";
import { parseRange } from "@/lib/time-range";

import { ServerNav } from "./server-nav";

/** What stands around every page of a signed-in user. */
export function Shell() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { serverId } = useParams({ strict: false });
  const selectServer = (id: number) =>
    void navigate({
      to: "/servers/$serverId",
      params: { serverId: String(id) },
      search: (search) => ({ range: parseRange(search.range) }),
    });
  const leave = () => {
    queryClient.clear();
    void navigate({ to: "/sign-in", search: {} });
  };
  return (
    <>
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-40 border-b border-line bg-background/85 backdrop-blur-md">
        <div className="mx-auto flex h-13 max-w-[90rem] items-center gap-1.5 px-4 sm:px-6">
          <Link to="/" className="mr-1 flex items-center gap-2.5 rounded-md font-semibold tracking-tight">
            <Logo className="size-6" />
            <span className="max-sm:sr-only">mcp-obs</span>
          </Link>
          <span aria-hidden className="text-line-strong">
            /
          </span>
          <ServerSwitcher
            serverId={serverId === undefined ? null : Number(serverId)}
            onSelect={selectServer}
          />
          {serverId !== undefined && <ServerNav serverId={serverId} />}
          <div className="ml-auto flex items-center gap-1.5">
            <ThemeMenu />
            <UserMenu onSignedOut={leave} />
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1} className="mx-auto max-w-[90rem] px-4 py-5 outline-none sm:px-6">
        <Outlet />
      </main>
    </>
  );
}
