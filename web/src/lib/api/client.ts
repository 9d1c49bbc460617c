import createClient from "openapi-fetch";

import { ApiError } from "./error";
import type { paths } from "./schema";

/** The typed client of mcp-obs's own API, at the address the page came from. */
export const api = createClient<paths>({ baseUrl: window.location.origin });

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws ApiError for every status but 2xx. */
export async function unwrap<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (!response.ok || data === undefined) throw ApiError.from(response.status, error);
  return data;
}

/** Waits for an answer without data; throws like `unwrap`. */
export async function done(answer: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await answer;
  if (!response.ok) throw ApiError.from(response.status, error);
}
