import { Link } from "@tanstack/react-router";
import { LayoutDashboardIcon, SettingsIcon } from "lucide-react";

import { DEFAULT_RANGE } from "@/lib/time-range";

const LINK =
  "inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-13 text-muted transition-colors hover:bg-sunken hover:text-foreground aria-[current=page]:font-medium aria-[current=page]:text-foreground [&_svg]:size-4";

/** The pages of one server. */
export function ServerNav({ serverId }: { serverId: string }) {
  return (
    <nav aria-label="This server" className="flex shrink-0 items-center">
      <Link
        to="/servers/$serverId"
        params={{ serverId }}
        search={{ range: DEFAULT_RANGE }}
        activeOptions={{ exact: true, includeSearch: false }}
        className={LINK}
      >
        <LayoutDashboardIcon aria-hidden className="sm:hidden" />
        <span className="max-sm:sr-only">Overview</span>
      </Link>
      <Link
        to="/servers/$serverId/settings"
        params={{ serverId }}
        search={{ range: "7d" }}
        activeOptions={{ includeSearch: false }}
        className={LINK}
      >
        <SettingsIcon aria-hidden className="sm:hidden" />
        <span className="max-sm:sr-only">Settings</span>
      </Link>
    </nav>
  );
}
