import { useRouter, useSearch } from "@tanstack/react-router";

import { SignInPage } from "@/features/session/components/sign-in-page";

import { nextPage } from "../next-page";

/** /sign-in, which leads back to where one was. */
export function SignInRoutePage() {
  const router = useRouter();
  const { next } = useSearch({ from: "/sign-in" });
  return <SignInPage onSignedIn={() => router.history.replace(nextPage(next))} />;
}
