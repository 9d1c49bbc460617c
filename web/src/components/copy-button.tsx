import { CheckIcon, CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { Button } from "@/components/ui/button";

const SHOWN_MS = 1600;

/** Copies a text and says so for a moment. Hidden where the browser forbids it: plain http off this machine. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!window.isSecureContext) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <Button variant="ghost" size="icon" aria-label={copied ? "Copied" : label} onClick={() => void copy()}>
      {copied ? <CheckIcon className="text-good" /> : <CopyIcon />}
    </Button>
  );
}
