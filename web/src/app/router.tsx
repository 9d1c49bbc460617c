import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  notFound,
  redirect,
} from "@tanstack/react-router";

import { keysQuery } from "@/features/keys/api/get-keys";
import { overviewQuery } from "@/features/overview/api/get-overview";
import { seriesQuery } from "@/features/overview/api/get-series";
import { rejectionsQuery } from "@/features/rejections/api/get-rejections";
import { parseRejectionRange } from "@/features/rejections/ranges";
import { meQuery } from "@/features/session/api/me";
import { serversQuery } from "@/features/servers/api/get-servers";
import { chooseServer, rememberServer } from "@/features/servers/last-server";
import { toolsQuery } from "@/features/tools/api/get-tools";
import { ApiError } from "@/lib/api/error";
import { DEFAULT_RANGE, parseRange } from "@/lib/time-range";

import { nextPage, searchFor } from "./next-page";
import { ErrorPage } from "./pages/error-page";
import { NotFoundPage } from "./pages/not-found-page";

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  notFoundComponent: NotFoundPage,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    return searchFor(nextPage(search["next"]));
  },
  component: lazyRouteComponent(() => import("./pages/sign-in-page"), "SignInRoutePage"),
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "shell",
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(meQuery);
      await context.queryClient.ensureQueryData(serversQuery);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      throw redirect({ to: "/sign-in", search: searchFor(nextPage(location.href)) });
    }
  },
  component: lazyRouteComponent(() => import("./shell"), "Shell"),
});

const homeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/",
  beforeLoad: async ({ context }) => {
    const server = chooseServer(await context.queryClient.ensureQueryData(serversQuery));
    if (server === undefined) return;
    throw redirect({
      to: "/servers/$serverId",
      params: { serverId: String(server.id) },
      search: { range: DEFAULT_RANGE },
      replace: true,
    });
  },
  component: lazyRouteComponent(() => import("./pages/home-page"), "HomePage"),
});

async function findServer(queryClient: QueryClient, serverId: string) {
  const isIt = (one: { id: number }) => String(one.id) === serverId;
  const server =
    (await queryClient.ensureQueryData(serversQuery)).find(isIt) ??
    // It may have been created since the list was read.
    (await queryClient.fetchQuery({ ...serversQuery, staleTime: 0 })).find(isIt);
  if (server === undefined) throw notFound();
  rememberServer(server.id);
  return server;
}

const overviewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/servers/$serverId",
  validateSearch: (search: Record<string, unknown>) => ({ range: parseRange(search["range"]) }),
  loaderDeps: ({ search }) => ({ range: search.range }),
  loader: async ({ context, params, deps }) => {
    const server = await findServer(context.queryClient, params.serverId);
    // All at once and not waited for: the page shows what has come so far.
    void context.queryClient.prefetchQuery(overviewQuery(server.id, deps.range));
    void context.queryClient.prefetchQuery(seriesQuery(server.id, deps.range));
    void context.queryClient.prefetchQuery(toolsQuery(server.id, deps.range));
    return { server };
  },
  component: lazyRouteComponent(() => import("./pages/overview-page"), "OverviewPage"),
  notFoundComponent: NotFoundPage,
});

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/servers/$serverId/settings",
  validateSearch: (search: Record<string, unknown>) => ({ range: parseRejectionRange(search["range"]) }),
  loaderDeps: ({ search }) => ({ range: search.range }),
  loader: async ({ context, params, deps }) => {
    const server = await findServer(context.queryClient, params.serverId);
    void context.queryClient.prefetchQuery(rejectionsQuery(server.id, deps.range));
    void context.queryClient.prefetchQuery(keysQuery(server.id));
    return { server };
  },
  component: lazyRouteComponent(() => import("./pages/settings-page"), "SettingsPage"),
  notFoundComponent: NotFoundPage,
});

const routeTree = rootRoute.addChildren([
  signInRoute,
  shellRoute.addChildren([homeRoute, overviewRoute, settingsRoute]),
]);

/** The pages and their addresses. */
export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
