import type { ReactNode } from "react";

import { CodeBlock } from "@/components/code-block";

import { integration } from "../integration";

/** A server that nobody has called yet: how to connect it. */
export function FirstCall({ serverName }: { serverName: string }) {
  const { command, snippet } = integration(serverName, window.location.origin);
  return (
    <section
      aria-label="Connect this server"
      className="panel mx-auto mt-4 w-full sm:mt-8 max-w-4xl overflow-hidden"
    >
      <div className="border-b border-line px-6 py-5">
        <h2 className="text-base font-semibold tracking-[-0.01em]">Connect {serverName}</h2>
        <p className="mt-1 text-muted">Nothing has called this server yet. Three steps to the first call:</p>
      </div>
      <ol className="space-y-6 px-6 py-6">
        <Step number={1} title="Create an API key">
          <CodeBlock text={command} label="the command that creates an API key" />
        </Step>
        <Step number={2} title="Add three lines to your MCP server">
          <CodeBlock text={snippet} label="the three lines of Python" />
          <p className="mt-2 text-xs text-muted">
            <code className="font-mono">server</code> is your <code className="font-mono">MCPServer</code> or{" "}
            <code className="font-mono">FastMCP</code> object; the package is called{" "}
            <code className="font-mono">mcp-obs</code>.
          </p>
        </Step>
        <Step number={3} title="Call a tool from any client">
          <p className="text-13 text-muted">The numbers appear on this page by themselves.</p>
        </Step>
      </ol>
      <p
        role="status"
        className="flex items-center gap-2.5 border-t border-line bg-background px-6 py-3.5 text-13 text-muted"
      >
        <span className="relative flex size-2" aria-hidden>
          <span className="absolute inset-0 animate-ping rounded-full bg-accent opacity-50 [animation-duration:1.8s]" />
          <span className="relative size-2 rounded-full bg-accent" />
        </span>
        Waiting for the first call…
      </p>
    </section>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <li className="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
      <span
        aria-hidden
        className="grid size-6 place-items-center rounded-full border border-line-strong text-xs font-medium text-muted tabular-nums"
      >
        {number}
      </span>
      <h3 className="pt-0.5 pb-2.5 font-medium">{title}</h3>
      <div className="col-start-2 min-w-0">{children}</div>
    </li>
  );
}
