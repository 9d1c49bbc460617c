import { useLoaderData, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";

import { DeletionsPanel } from "@/features/deletions/components/deletions-panel";
import { KeysPanel } from "@/features/keys/components/keys-panel";
import { RejectionsPanel } from "@/features/rejections/components/rejections-panel";

const FROM = "/shell/servers/$serverId/settings";

/** One server's settings. */
export function SettingsPage() {
  const { server } = useLoaderData({ from: FROM });
  const { range } = useSearch({ from: FROM });
  const navigate = useNavigate({ from: "/servers/$serverId/settings" });

  useEffect(() => {
    document.title = `Settings · ${server.name} · mcp-obs`;
  }, [server.name]);

  return (
    <div className="mx-auto max-w-5xl space-y-4">
      <h1 className="text-lg font-semibold tracking-[-0.01em]">Settings</h1>
      <RejectionsPanel
        serverId={server.id}
        range={range}
        onRange={(next) => void navigate({ search: { range: next }, replace: true })}
      />
      <KeysPanel serverId={server.id} />
      <DeletionsPanel key={server.id} serverId={server.id} serverName={server.name} />
    </div>
  );
}
