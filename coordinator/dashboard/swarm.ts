// Which Swarm a page is about: that of DOCKER_HOST, or by the address's `?swarm=` one of SWARMS. The same routes answer of each.

import { computed, type ComputedRef } from "vue";
import { useRoute } from "vue-router";
import type { HostsView } from "../../proto/rest.ts";
import { get } from "./store.ts";

/** What `/api/clusters` calls the Swarm of DOCKER_HOST, which heartmesh watches and heals. */
export const ownSwarm = "default";

const swarmPath = (name: string, rest: string): string =>
  name === ownSwarm
    ? `/api/swarm/${rest}`
    : `/api/clusters/${encodeURIComponent(name)}/swarm/${rest}`;

export interface SwarmOfPage {
  readonly name: ComputedRef<string>;
  readonly isOwn: ComputedRef<boolean>;
  /** Of the API. */
  readonly path: (rest: string) => string;
  /** Of another page about the same Swarm. */
  readonly to: (
    page: string,
    query?: Readonly<Record<string, string>>,
  ) => {
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
  };
}

export function useSwarm(): SwarmOfPage {
  const route = useRoute();
  const name = computed(() => {
    const { swarm } = route.query;
    return typeof swarm === "string" && swarm !== "" ? swarm : ownSwarm;
  });
  const isOwn = computed(() => name.value === ownSwarm);
  return {
    name,
    isOwn,
    path: (rest) => swarmPath(name.value, rest),
    to: (path, query = {}) => ({
      path,
      query: { ...query, ...(isOwn.value ? {} : { swarm: name.value }) },
    }),
  };
}

/** Asks something of the Swarm; null where there is none, which is no fault. That there is one is asked until it is so. */
export function whereSwarm<View>(
  { isOwn }: Pick<SwarmOfPage, "isOwn">,
  load: (signal: AbortSignal) => Promise<View>,
): (signal: AbortSignal) => Promise<View | null> {
  let isThere = false;
  return async (signal) => {
    if (isOwn.value && !isThere) {
      const { swarm } = await get<HostsView>("/api/v1/hosts", signal);
      if (swarm.kind === "none") return null;
      isThere = true;
    }
    return await load(signal);
  };
}
