import { CodeBlock } from "@/components/code-block";

/** An organisation before its first server. */
export function NoServers() {
  return (
    <section className="mx-auto max-w-md py-20">
      <h1 className="text-lg font-semibold tracking-[-0.01em]">No servers yet</h1>
      <p className="mt-1.5 mb-5 text-muted">Register the MCP server that you want to look into.</p>
      <CodeBlock text="mcp-obs servers create my-server" label="the command that registers a server" />
    </section>
  );
}
