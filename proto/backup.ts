// The file of `heartmesh backup`, which is the answer of `GET /api/v1/backup` and the body of `POST /api/v1/restore`.

export interface Backup {
  /** Of this shape. */
  readonly version: 1;
  /** CLUSTER_ID of the system that it was taken of. */
  readonly cluster: string;
  /** When it was taken; instants are ISO 8601. */
  readonly at: string;
  /** What people gave, by kind (`templates`, `scaling`, `clusters`) and name. */
  readonly documents: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly silences: readonly BackedSilence[];
  readonly quarantines: readonly BackedQuarantine[];
}

export interface BackedSilence {
  readonly worker: string;
  readonly until: string;
  readonly reason: string;
}

export interface BackedQuarantine {
  readonly worker: string;
  readonly since: string;
}

export interface RestoreView {
  /** What was restored, in words. */
  readonly text: string;
  readonly documents: number;
  readonly silences: number;
  readonly quarantines: number;
  /** What was there already, just so. */
  readonly unchanged: number;
  /** Silences whose time has passed. */
  readonly passed: number;
}
