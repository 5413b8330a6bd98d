// Clusters of containers that answer as told, for tests of routes: one is called web, all calls are taken and remembered.

import type { CallAsk, CallTold, ClusterDesk } from "../../../coordinator/clusters/desk.ts";
import type { ClusterExport } from "../../../coordinator/clusters/log.ts";
import { clusterExamples as examples } from "../../../coordinator/api/clusters/examples.ts";

const known: readonly string[] = ["web", "web-1", "x"];
const unless = <View>(id: string, view: View): Promise<View | undefined> =>
  Promise.resolve(known.includes(id) ? view : undefined);

export class ScriptedClusters implements ClusterDesk {
  readonly calls: CallAsk[] = [];
  /** What the next calls are told; done unless given. */
  told: CallTold | undefined;

  call(ask: CallAsk): Promise<CallTold> {
    if (this.told !== undefined) return Promise.resolve(this.told);
    if (!known.includes(ask.cluster)) return Promise.resolve({ kind: "missing", index: 0 });
    this.calls.push(ask);
    return Promise.resolve({ kind: "told", row: { ...examples.added, cluster: ask.cluster } });
  }

  list() {
    return Promise.resolve([examples.row]);
  }

  get(id: string) {
    return unless(id, examples.view);
  }

  state(id: string) {
    return unless(id, examples.state);
  }

  stats(id: string) {
    return unless(id, examples.stats);
  }

  services(id: string) {
    return unless(id, [examples.service]);
  }

  log() {
    return Promise.resolve([examples.entry]);
  }

  kept: readonly ClusterExport[] = [];

  export(): Promise<readonly ClusterExport[]> {
    return Promise.resolve(this.kept);
  }

  import(exported: readonly ClusterExport[]): Promise<readonly string[]> {
    this.kept = [...this.kept, ...exported];
    return Promise.resolve(exported.map(({ cluster }) => cluster.id));
  }
}
