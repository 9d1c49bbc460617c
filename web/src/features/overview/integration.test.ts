import { expect, test } from "vitest";

import { integration } from "./integration";

test("the snippet carries this server's name and this page's address", () => {
  expect(integration("weather", "http://127.0.0.1:4318")).toEqual({
    command: "mcp-obs keys create --server weather",
    snippet: `import mcp_obs
mcp_obs.configure_mcp_telemetry(api_key="mcpobs_live_…", endpoint="http://127.0.0.1:4318", server_name="weather")
mcp_obs.instrument(server)`,
  });
});

test("a name with spaces and quotes survives the shell and Python", () => {
  const { command, snippet } = integration(`Bob's "shop"`, "http://127.0.0.1:4318");
  expect(command).toBe(String.raw`mcp-obs keys create --server 'Bob'\''s "shop"'`);
  expect(snippet).toContain(String.raw`server_name="Bob's \"shop\""`);
});
