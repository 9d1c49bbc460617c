import "./styles.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createQueryClient } from "@/app/query-client";
import { createAppRouter } from "@/app/router";
import { TooltipProvider } from "@/components/ui/tooltip";

const queryClient = createQueryClient(() => {
  // The shell's own check, run again, finds nobody signed in and remembers the way back.
  queryClient.removeQueries({ queryKey: ["me"] });
  void router.invalidate();
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
