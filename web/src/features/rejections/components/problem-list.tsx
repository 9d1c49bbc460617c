import { useState } from "react";

import { Button } from "@/components/ui/button";
import { formatAgo, formatMoment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import { describeAmount, type Problem } from "../problems";
import { EXPLANATIONS } from "../reasons";

const FIRST_PROBLEMS = 5;
const NOW_MS = 5000;

/** What was not kept and why, in words, with what to do about it; the latest first. */
export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  const [all, setAll] = useState(false);
  const now = useNow(NOW_MS);
  const shown = all ? problems : problems.slice(0, FIRST_PROBLEMS);
  return (
    <>
      <ul aria-label="Rejections">
        {shown.map((problem) => (
          <ProblemItem key={`${problem.signal} ${problem.reason}`} problem={problem} now={now} />
        ))}
      </ul>
      {problems.length > FIRST_PROBLEMS && (
        <div className="border-t border-line p-1.5 text-center">
          <Button variant="ghost" onClick={() => setAll(!all)}>
            {all ? `Show the latest ${FIRST_PROBLEMS}` : `Show all ${problems.length} reasons`}
          </Button>
        </div>
      )}
    </>
  );
}

function ProblemItem({ problem, now }: { problem: Problem; now: Date }) {
  const { title, what, todo } = EXPLANATIONS[problem.reason];
  const last = new Date(problem.last_at);
  return (
    <li className="grid gap-x-8 gap-y-2.5 border-t border-line px-4 py-4 sm:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]">
      <div>
        <h3 className="font-medium">{title}</h3>
        <p className="mt-0.5 text-13 tabular-nums">{describeAmount(problem)}</p>
        <p className="mt-0.5 text-xs text-muted">
          {problem.signal} · last{" "}
          <time dateTime={problem.last_at} title={formatMoment(last)}>
            {formatAgo(last, now)}
          </time>
        </p>
      </div>
      <div className="max-w-2xl min-w-0 space-y-2 text-13">
        <p className="text-muted">{what}</p>
        <p>{todo}</p>
        <p className="rounded-md bg-sunken px-2.5 py-1.5 font-mono text-xs break-words text-muted">
          <span className="sr-only">What was said the last time: </span>
          {problem.last_message}
        </p>
      </div>
    </li>
  );
}
