// A list that is read page by page: the newest first, older ones when they are wanted.

import { computed, shallowRef, type ComputedRef, type ShallowRef, type WatchSource } from "vue";
import { useResource, type Resource } from "./resource.ts";
import { joinedPages } from "./joined-pages.ts";
import { wordsOf } from "./store.ts";

export interface Pages<Entry> {
  /** All that were read so far. */
  readonly all: Resource<readonly Entry[]>;
  readonly hasOlder: ComputedRef<boolean>;
  readonly isReading: ShallowRef<boolean>;
  readonly older: () => Promise<void>;
}

/**
 * @param load one page: the newest, or those older than the entry `before`
 * @param size of a page: a shorter one is the last
 */
export function usePages<Entry extends { readonly id: string }>(
  load: (before: string, signal?: AbortSignal) => Promise<readonly Entry[]>,
  {
    size,
    by,
    onChange,
  }: { readonly size: number; readonly by: () => unknown; readonly onChange?: WatchSource },
): Pages<Entry> {
  const known = shallowRef<readonly Entry[]>([]);
  const isEnd = shallowRef(false);
  const isReading = shallowRef(false);
  let asked = by();
  const newest = useResource(
    async (signal) => {
      const page = await load("", signal);
      const isOther = asked !== by();
      asked = by();
      const joined = isOther ? undefined : joinedPages(page, known.value);
      if (joined === undefined) isEnd.value = page.length < size;
      known.value = joined ?? page;
      return known.value;
    },
    { by, ...(onChange === undefined ? {} : { onChange }) },
  );

  async function older(): Promise<void> {
    const last = known.value.at(-1);
    if (last === undefined || isReading.value) return;
    isReading.value = true;
    const of = asked;
    try {
      const page = await load(last.id);
      if (of !== by()) return;
      isEnd.value = page.length < size;
      known.value = [...known.value, ...page];
      newest.view.value = known.value;
    } catch (error) {
      newest.fault.value = wordsOf(error);
    } finally {
      isReading.value = false;
    }
  }

  const hasOlder = computed(() => !isEnd.value && (newest.view.value?.length ?? 0) > 0);
  return { all: newest, hasOlder, isReading, older };
}
