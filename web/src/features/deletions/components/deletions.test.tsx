// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import type { Deletion } from "../api/get-deletions";
import { DeletionList } from "./deletion-list";
import { UserForm } from "./user-form";

const deletion: Deletion = {
  id: 1,
  server_id: 1,
  server_name: "weather",
  subject: "user",
  user_id: "ada",
  requested_at: new Date().toISOString(),
  finished_at: null,
  rows_removed: null,
  waits_for: [],
};

test("a user is deleted only when the question is answered", async () => {
  const onDelete = vi.fn<(userId: string) => Promise<void>>(() => Promise.resolve());
  render(<UserForm serverName="weather" isBusy={false} problem={undefined} onDelete={onDelete} />);
  await userEvent.type(screen.getByLabelText(/^User id/), "ada{Enter}");
  expect(screen.getByRole("alertdialog").textContent).toContain(
    "Delete everything that weather has sent of ada, for ever?",
  );
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(screen.queryByRole("alertdialog")).toBeNull();
  expect(onDelete).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Delete…" }));
  await userEvent.click(screen.getByRole("button", { name: "Delete for ever" }));
  expect(onDelete).toHaveBeenCalledExactlyOnceWith("ada");
  expect(screen.getByLabelText<HTMLInputElement>(/^User id/).value).toBe("");
});

test("a refusal is shown and the id stays", async () => {
  const form = (
    <UserForm
      serverName="weather"
      isBusy={false}
      problem="Only an owner may do this."
      onDelete={() => Promise.reject(new Error())}
    />
  );
  render(form);
  await userEvent.type(screen.getByLabelText(/^User id/), "ada{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Delete for ever" }));
  expect(screen.getByRole("alert").textContent).toBe("Only an owner may do this.");
  expect(screen.getByLabelText<HTMLInputElement>(/^User id/).value).toBe("ada");
});

test("a deletion says how far it is, and when it is done no longer whose it was", () => {
  const { rerender } = render(<DeletionList deletions={[deletion]} />);
  expect(screen.getByRole("status").textContent).toBe("Deleting ada");
  rerender(
    <DeletionList
      deletions={[{ ...deletion, user_id: null, finished_at: deletion.requested_at, rows_removed: 1234 }]}
    />,
  );
  expect(screen.getByRole("listitem").textContent).toMatch(/^A user’s data is deleted: 1,234 rowsrequested/);
});

test("a deletion says which process holds it up", () => {
  const process = { id: "3f", seen_at: new Date().toISOString() };
  render(<DeletionList deletions={[{ ...deletion, waits_for: [process] }]} />);
  expect(screen.getByRole("status").textContent).toContain("waits for the process 3f, last seen");
});
