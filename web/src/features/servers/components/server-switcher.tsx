import { useSuspenseQuery } from "@tanstack/react-query";
import { CheckIcon, ChevronsUpDownIcon } from "lucide-react";
import { useState } from "react";

import { Command, CommandEmpty, CommandInput, CommandItem, CommandList } from "@/components/ui/command";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";

import { serversQuery } from "../api/get-servers";

interface ServerSwitcherProps {
  serverId: number | null;
  onSelect: (serverId: number) => void;
}

/** Chooses the server to look at, by pointer or by typing. */
export function ServerSwitcher({ serverId, onSelect }: ServerSwitcherProps) {
  const [open, setOpen] = useState(false);
  // Asked again on opening: a server may have been created meanwhile.
  const { data: servers, refetch } = useSuspenseQuery(serversQuery);
  const current = servers.find((server) => server.id === serverId);
  const onOpenChange = (next: boolean) => {
    setOpen(next);
    if (next) void refetch();
  };
  return (
    <Popover open={open} onOpenChange={onOpenChange}>
      <PopoverTrigger
        aria-label={`Server: ${current?.name ?? "choose one"}`}
        className="flex h-8 min-w-0 cursor-pointer items-center gap-1.5 rounded-md px-2 font-medium transition-colors hover:bg-sunken data-[state=open]:bg-sunken"
      >
        <span className="truncate">{current?.name ?? "Choose a server"}</span>
        <ChevronsUpDownIcon aria-hidden className="size-3.5 shrink-0 text-faint" />
      </PopoverTrigger>
      <PopoverContent aria-label="Servers">
        <Command label="Find a server" defaultValue={current === undefined ? "" : valueOf(current)}>
          <CommandInput placeholder="Find a server" />
          <CommandList label="Servers">
            <CommandEmpty>No server of this name.</CommandEmpty>
            {servers.map((server) => (
              <CommandItem
                key={server.id}
                value={valueOf(server)}
                keywords={[server.name]}
                onSelect={() => {
                  setOpen(false);
                  onSelect(server.id);
                }}
              >
                <span className="min-w-0 flex-1 truncate">{server.name}</span>
                {server.id === serverId && (
                  <CheckIcon aria-label="shown" className="size-4 shrink-0 text-accent" />
                )}
              </CommandItem>
            ))}
          </CommandList>
        </Command>
        <p className="border-t border-line px-3 py-2.5 text-xs text-muted">
          Add one with <code className="font-mono text-foreground">mcp-obs servers create</code>
        </p>
      </PopoverContent>
    </Popover>
  );
}

const valueOf = (server: { id: number; name: string }): string => `${server.name} ${server.id}`;
