// Operating failures: an error with a code that a table explains. Ordinary failures are values instead.

/** One row of a process's table of errors. */
export interface ErrorRow {
  /** The HTTP status, where it reaches one. */
  readonly status: number;
  /** What was wrong, in one sentence without the particulars. */
  readonly text: string;
  /** What to do. */
  readonly advice: string;
}

/** Thrown for failures of the world (an engine that does not answer, a refused configuration); dispatch on `code`, never on `message`. */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  /** The particulars: what was wrong here, what was expected. */
  readonly detail: string;

  constructor(code: Code, detail: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = "CodedError";
    this.code = code;
    this.detail = detail;
  }
}

export const isCoded = <Code extends string>(
  error: unknown,
  code: Code,
): error is CodedError<Code> => error instanceof CodedError && error.code === code;

export const isCodedError = (error: unknown): error is CodedError => error instanceof CodedError;
