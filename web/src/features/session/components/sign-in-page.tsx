import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { CodeBlock } from "@/components/code-block";
import { FullPage } from "@/components/full-page";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { ApiError, describeError } from "@/lib/api/error";

import { meQuery } from "../api/me";
import { useSignIn } from "../api/sign-in";
import { tokenInFragment, tokenInText } from "../token";

/** Signs in by the one-time link that led here, or explains how to get one. */
export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const [linkToken] = useState(() => tokenInFragment(window.location.hash));
  const signIn = useSignIn(onSignedIn);
  const { mutate } = signIn;
  const sent = useRef(false);

  useEffect(() => {
    // A link works once, and effects run twice in development.
    if (linkToken === null || sent.current) return;
    sent.current = true;
    // A used token has no business in the address bar or the history.
    window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
    mutate(linkToken);
  }, [linkToken, mutate]);

  const opening = linkToken !== null && !signIn.isError;
  return (
    <FullPage>
      {opening ? (
        <p role="status" className="text-muted">
          Signing in…
        </p>
      ) : (
        <SignInForm
          error={signIn.error}
          pending={signIn.isPending}
          onToken={(token) => mutate(token)}
          onContinue={onSignedIn}
        />
      )}
    </FullPage>
  );
}

interface SignInFormProps {
  error: Error | null;
  pending: boolean;
  onToken: (token: string) => void;
  onContinue: () => void;
}

function SignInForm({ error, pending, onToken, onContinue }: SignInFormProps) {
  const [text, setText] = useState("");
  const [unreadable, setUnreadable] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = tokenInText(text);
    setUnreadable(token === null);
    if (token !== null) onToken(token);
  };
  const message = unreadable
    ? "That doesn't look like a sign-in link. Paste the whole address."
    : describeRefusal(error);
  return (
    <div className="w-full max-w-sm">
      <h1 className="text-center text-lg font-semibold tracking-[-0.01em]">Sign in to mcp-obs</h1>
      {message !== null && (
        <p
          id="sign-in-error"
          role="alert"
          className="mt-5 rounded-lg bg-bad-soft px-3.5 py-2.5 text-13 text-bad"
        >
          {message}
        </p>
      )}
      {error !== null && <AlreadySignedIn onContinue={onContinue} />}
      <p className="mt-5 mb-2 text-13 text-muted">
        Get a link on the machine that runs mcp-obs, and open it here:
      </p>
      <CodeBlock text="mcp-obs sign-in-link" label="the command for a sign-in link" />
      <form onSubmit={submit} className="mt-5">
        <label htmlFor="link" className="mb-2 block text-13 text-muted">
          Or paste the link
        </label>
        <div className="flex gap-2">
          <Input
            id="link"
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder={`${window.location.origin}/sign-in#token=…`}
            autoComplete="off"
            spellCheck={false}
            required
            aria-invalid={message !== null}
            aria-describedby={message === null ? undefined : "sign-in-error"}
          />
          <Button type="submit" variant="primary" size="large" disabled={pending}>
            Sign in
          </Button>
        </div>
      </form>
      <p className="mt-5 text-xs text-faint">A link works once and for 15 minutes.</p>
    </div>
  );
}

/** Opening an old link again happens to people who are signed in; they need not start over. */
function AlreadySignedIn({ onContinue }: { onContinue: () => void }) {
  const me = useQuery(meQuery);
  if (me.data === undefined) return null;
  return (
    <div className="panel mt-5 flex items-center justify-between gap-3 py-2.5 pr-2.5 pl-3.5">
      <p className="min-w-0 truncate text-13">You are signed in as {me.data.user.email}.</p>
      <Button variant="primary" onClick={onContinue}>
        Continue
      </Button>
    </div>
  );
}

function describeRefusal(error: Error | null): string | null {
  if (error === null) return null;
  if (error instanceof ApiError && error.status === 401) {
    return "This sign-in link has been used or has expired. Get a new one.";
  }
  return describeError(error);
}
