/** What the API answers instead of data: a stable code and a sentence that says what to do. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }

  /** Reads an answer's body, which need not be ours: a proxy in between answers in its own words. */
  static from(status: number, body: unknown): ApiError {
    if (typeof body === "object" && body !== null && "code" in body && "message" in body) {
      const { code, message } = body;
      if (typeof code === "string" && typeof message === "string") return new ApiError(status, code, message);
    }
    return new ApiError(status, "unexpected_answer", `The server answered with status ${status}.`);
  }
}

/** The sentence to show for anything that a request can throw. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return "The server can't be reached. Check that mcp-obs is running.";
}

/** True where asking again can't help. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
}
