import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";

import { Notice } from "@/components/notice";
import { describeError } from "@/lib/api/error";

/** A page that could not be shown. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const boundary = useQueryErrorResetBoundary();
  const retry = () => {
    boundary.reset();
    reset();
    void router.invalidate();
  };
  return (
    <div className="mx-auto max-w-lg px-5 py-24">
      <Notice title="This page can't be shown" onRetry={retry}>
        {describeError(error)}
      </Notice>
    </div>
  );
}
