import { useState, type SubmitEvent } from "react";

import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";

interface UserFormProps {
  serverName: string;
  isBusy: boolean;
  problem: string | undefined;
  onDelete: (userId: string) => Promise<unknown>;
}

/** Where the next key goes: one pressed twice must not delete. */
const focus = (button: HTMLButtonElement | null) => button?.focus();

/** Takes a user's id and asks once more before anything is deleted. */
export function UserForm({ serverName, isBusy, problem, onDelete }: UserFormProps) {
  const [userId, setUserId] = useState("");
  const [isAsking, setAsking] = useState(false);

  const ask = (event: SubmitEvent) => {
    event.preventDefault();
    if (userId !== "") setAsking(true);
  };
  const remove = async () => {
    try {
      await onDelete(userId);
      setUserId("");
    } catch {
      // The problem is shown below.
    }
    setAsking(false);
  };

  return (
    <form onSubmit={ask} className="border-t border-line px-4 py-4">
      <label htmlFor="user-id" className="text-13">
        User id, as the server sends it
      </label>
      <div className="mt-1.5 flex max-w-lg gap-2">
        <Input
          id="user-id"
          value={userId}
          maxLength={1024}
          autoComplete="off"
          spellCheck={false}
          disabled={isAsking}
          onChange={(event) => setUserId(event.target.value)}
        />
        <Button type="submit" className="h-9" disabled={userId === "" || isAsking}>
          Delete…
        </Button>
      </div>
      {isAsking && (
        <div
          role="alertdialog"
          aria-label="Delete this user's data?"
          className="mt-3 max-w-2xl rounded-md bg-bad-soft px-3.5 py-3"
        >
          <p className="text-13 break-words">
            Delete everything that {serverName} has sent of{" "}
            <code className="font-mono text-xs break-all">{userId}</code>, for ever?
          </p>
          <div className="mt-2.5 flex gap-2">
            <Button className="border-bad text-bad" disabled={isBusy} onClick={() => void remove()}>
              Delete for ever
            </Button>
            <Button variant="ghost" ref={focus} disabled={isBusy} onClick={() => setAsking(false)}>
              Cancel
            </Button>
          </div>
        </div>
      )}
      {problem !== undefined && !isAsking && (
        <p role="alert" className="mt-2 text-13 text-bad">
          {problem}
        </p>
      )}
    </form>
  );
}
