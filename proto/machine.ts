// The shape of everything that decides: inputs and instants go in, ordered outputs come out.

import type { Instant } from "./units.ts";

/**
 * A machine reads no clock, opens no socket, rolls no dice and awaits nothing.
 * Contract: `now` never goes backwards; outputs are performed in the order given (a `persist` is durable
 * before anything behind it is sent); a machine past its `nextDeadline()` is stepped with a timer input.
 */
export interface Machine<Input, Output> {
  step(input: Input, now: Instant): readonly Output[];
  nextDeadline(): Instant | undefined;
}

/** An ordinary result that may be a failure; never an exception. */
export type Outcome<Value, Failure extends string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure; readonly detail?: string };
