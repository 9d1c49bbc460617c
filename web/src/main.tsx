import "./styles.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createQueryClient } from "@/app/query-client";
import { nextPage, searchFor } from "@/app/next-page";
import { createAppRouter } from "@/app/router";
import { TooltipProvider } from "@/components/ui/tooltip";

const SIGN_IN = "/sign-in";

const queryClient = createQueryClient(() => {
  const { pathname, href } = router.state.location;
  if (pathname === SIGN_IN) return;
  queryClient.clear();
  void router.navigate({ to: SIGN_IN, search: searchFor(nextPage(href)) });
});
const router = createAppRouter(queryClient);

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <TooltipProvider delayDuration={250}>
        <RouterProvider router={router} />
      </TooltipProvider>
    </QueryClientProvider>
  </StrictMode>,
);
