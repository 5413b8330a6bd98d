// What a page is asked for stands in its address, so that it can be kept, sent, and gone back to.

import { useRoute, useRouter } from "vue-router";

export interface Asked {
  /** Empty where it is not given. */
  readonly of: (key: string) => string;
  /** An empty value takes it away. */
  readonly change: (changed: Readonly<Record<string, string>>) => void;
}

export function useAsked(): Asked {
  const route = useRoute();
  const router = useRouter();
  return {
    of: (key) => {
      const value = route.query[key];
      return typeof value === "string" ? value : "";
    },
    change: (changed) => {
      const query = { ...route.query, ...changed };
      const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
      void router.replace({ query: given });
    },
  };
}
