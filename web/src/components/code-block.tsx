import type { ReactNode } from "react";

import { CopyButton } from "@/components/copy-button";

interface CodeBlockProps {
  /** What is copied. */
  text: string;
  label: string;
  /** The same with emphasis; the text itself where none is given. */
  children?: ReactNode;
}

/** Code or a command to copy. */
export function CodeBlock({ text, label, children }: CodeBlockProps) {
  return (
    <div className="relative rounded-lg border border-line bg-background">
      <pre
        aria-label={label}
        className="rounded-lg py-3 pr-12 pl-4 font-mono text-xs leading-5.5 break-words whitespace-pre-wrap"
      >
        <code>{children ?? text}</code>
      </pre>
      <div className="absolute top-1.5 right-1.5 rounded-md bg-background">
        <CopyButton text={text} label={`Copy: ${label}`} />
      </div>
    </div>
  );
}
