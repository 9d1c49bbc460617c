import { fileURLToPath } from "node:url";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": here("./src") } },
  server: { proxy: { "/api": "http://127.0.0.1:4318" } },
  build: {
    outDir: here("../server/src/mcp_obs_server/web/dist"),
    emptyOutDir: true,
    // The content security policy allows fonts from 'self' only, not data: addresses.
    assetsInlineLimit: 0,
    target: "es2022",
  },
  test: {
    setupFiles: ["./src/test-setup.ts"],
    restoreMocks: true,
    // The first test of a file loads what it renders.
    testTimeout: 60_000,
    // Ticks and labels are in local time; a zone with an odd offset finds what UTC hides.
    env: { TZ: "Asia/Kolkata" },
  },
});
