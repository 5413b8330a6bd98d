// What one page asks for by itself: loaded, loaded anew from time to time, and said where it cannot be.

import { onScopeDispose, shallowRef, watch, type ShallowRef, type WatchSource } from "vue";
import { wordsOf } from "./store.ts";

export interface Resource<View> {
  /** Undefined until the first answer. What was there stays while a new one is awaited, or fails. */
  readonly view: ShallowRef<View | undefined>;
  /** Why the last question failed; empty where it did not. */
  readonly fault: ShallowRef<string>;
  /** Asks now, as after a change that somebody made. */
  readonly again: () => Promise<void>;
}

/**
 * @param load asks; the signal ends it when the page is left or asks for something else
 * @param every asks anew after so long, ms; 0: never
 * @param onChange asks anew when this changes; what was shown stays meanwhile
 * @param by what is asked for: when it changes, what was shown is forgotten
 */
export function useResource<View>(
  load: (signal: AbortSignal) => Promise<View>,
  {
    every = 0,
    by,
    onChange,
  }: {
    readonly every?: number;
    readonly by?: () => unknown;
    readonly onChange?: WatchSource;
  } = {},
): Resource<View> {
  const view = shallowRef<View>();
  const fault = shallowRef("");
  let current = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function again(): Promise<void> {
    current.abort();
    clearTimeout(timer);
    const own = (current = new AbortController());
    try {
      const told = await load(own.signal);
      if (own.signal.aborted) return;
      view.value = told;
      fault.value = "";
    } catch (error) {
      if (own.signal.aborted) return;
      fault.value = wordsOf(error);
    }
    if (every > 0) timer = setTimeout(() => void again(), every);
  }

  if (by !== undefined) {
    watch(by, () => {
      view.value = undefined;
      fault.value = "";
      void again();
    });
  }
  if (onChange !== undefined) watch(onChange, () => void again());
  onScopeDispose(() => {
    current.abort();
    clearTimeout(timer);
  });
  void again();
  return { view, fault, again };
}
