// The shapes of `/clusters/*`, the management of clusters of containers, and of `/stats`. Instants are ISO 8601 texts.

/** A call as it stands in the log of its cluster. */
export interface LogEntryRow {
  readonly cluster: string;
  readonly log_index: number;
  /** Of the leader that took it. */
  readonly term: number;
  /** `add-service 2 × nginx:1.27`. */
  readonly call: string;
  readonly state: "pending" | "running" | "done" | "failed";
  /** What was done, or why it could not be; empty before. */
  readonly text: string;
  readonly by: string;
  readonly at: string;
  /** Empty before. */
  readonly ended_at: string;
}

/** The answer to a call: it stands durably in the log, whatever its state is by now. */
export type CallRow = Omit<LogEntryRow, "at" | "ended_at" | "by">;

export interface ClusterRow {
  readonly id: string;
  readonly kind: "engines" | "swarm";
  readonly created_at: string;
  readonly nodes: number;
  readonly services: number;
  /** Replicas, of all nodes that live. */
  readonly capacity: number;
  readonly replicas: number;
  /** Replicas for which there is no room. */
  readonly waiting: number;
}

export interface ClusterNodeRow {
  readonly id: string;
  readonly kind: "engine" | "logical" | "nested" | "cluster";
  readonly host: string;
  readonly port: number;
  /** Of a node that is a cluster; else empty. */
  readonly cluster: string;
  readonly state: "joining" | "joined" | "lost" | "leaving";
  readonly capacity: number;
  readonly used: number;
}

export interface ClusterView extends Omit<ClusterRow, "nodes" | "services"> {
  readonly nodes: readonly ClusterNodeRow[];
  /** Their numbers. */
  readonly services: readonly number[];
}

export interface ClusterState {
  readonly id: string;
  readonly state: "ready" | "degraded" | "deleting";
  readonly reasons: readonly string[];
  readonly nodes: { readonly total: number; readonly joined: number; readonly lost: number };
  readonly services: number;
  readonly replicas: {
    readonly desired: number;
    readonly running: number;
    readonly waiting: number;
  };
  readonly log: { readonly last_index: number; readonly open: number };
}

export interface ClusterContainer {
  readonly id: string;
  readonly name: string;
  /** Its service's number, and its ordinal in that. */
  readonly service: number;
  readonly ordinal: number;
  readonly state: string;
}

export interface ClusterStats {
  readonly id: string;
  readonly capacity: number;
  readonly used: number;
  readonly free: number;
  readonly nodes: readonly (ClusterNodeRow & {
    /** Load average per processor; null where nobody tells. */
    readonly load: number | null;
    /** Null where its engine does not answer, or where it is a cluster. */
    readonly containers: readonly ClusterContainer[] | null;
  })[];
  readonly timestamp: string;
}

export interface ClusterServiceRow {
  readonly n: number;
  /** `<cluster>/<n>` of the service that was spread down to here; else empty. */
  readonly origin: string;
  readonly containers: readonly {
    readonly uniq_id: string;
    readonly label: string;
    readonly image: string;
    readonly command: readonly string[];
    /** Names alone. */
    readonly env: readonly string[];
    readonly replicas: number;
  }[];
  readonly desired: number;
  readonly running: number;
  /** Of a Swarm empty: it places its tasks itself. */
  readonly replicas: readonly {
    readonly ordinal: number;
    /** Empty where there is no room. */
    readonly node: string;
    readonly container: string;
    /** Of the container; `unknown` where its engine does not answer, or it runs in a cluster below. */
    readonly state: string;
  }[];
}

export interface CoordinatorStats {
  readonly id: string;
  readonly role: string;
  readonly leader: string;
  readonly term: number;
  readonly clusters: readonly ClusterRow[];
  /** Oldest first. */
  readonly log: readonly LogEntryRow[];
}
