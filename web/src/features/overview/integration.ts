// Where the command looks when it is told nothing.
const DEFAULT_URL = "http://127.0.0.1:4318";

/** What connects an MCP server: the command that makes its key, and the lines that go into its code. */
export function integration(serverName: string, endpoint: string): { command: string; snippet: string } {
  // A JSON string is a Python string too.
  const name = JSON.stringify(serverName);
  const url = endpoint === DEFAULT_URL ? "" : ` --url ${endpoint}`;
  return {
    command: `mcp-obs keys create --server ${shellWord(serverName)}${url}`,
    snippet: [
      "import mcp_obs",
      `mcp_obs.configure_mcp_telemetry(api_key="mcpobs_live_…", endpoint="${endpoint}", server_name=${name})`,
      "mcp_obs.instrument(server)",
    ].join("\n"),
  };
}

function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
