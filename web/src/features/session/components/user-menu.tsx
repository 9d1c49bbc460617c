import { useSuspenseQuery } from "@tanstack/react-query";
import { LogOutIcon } from "lucide-react";

import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";

import { meQuery } from "../api/me";
import { useSignOut } from "../api/sign-out";

/** Says who is signed in, and signs out. */
export function UserMenu({ onSignedOut }: { onSignedOut: () => void }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const signOut = useSignOut(onSignedOut);
  const name = me.user.name === "" ? me.user.email : me.user.name;
  return (
    <DropdownMenu>
      <DropdownMenuTrigger
        aria-label="Your account"
        className="grid size-8 cursor-pointer place-items-center rounded-full border border-line-strong bg-sunken text-xs font-medium text-muted transition-colors hover:text-foreground data-[state=open]:text-foreground"
      >
        {name.slice(0, 1).toUpperCase()}
      </DropdownMenuTrigger>
      <DropdownMenuContent className="w-60">
        <DropdownMenuLabel>
          <span className="block truncate text-13 font-medium">{name}</span>
          <span className="block truncate text-xs text-muted">{me.user.email}</span>
          <span className="mt-1.5 block truncate text-xs text-faint">
            {me.organisation.name} · {me.role}
          </span>
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        <DropdownMenuItem disabled={signOut.isPending} onSelect={() => signOut.mutate()}>
          <LogOutIcon aria-hidden />
          Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
