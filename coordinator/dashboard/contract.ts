// What the dashboard is told, of what proto/rest.ts does not name.

import type { StandingKind } from "../../proto/messages.ts";

export interface MeshView {
  readonly coordinators: readonly {
    readonly id: string;
    readonly url: string | null;
    readonly answers: boolean;
    readonly text: string;
    readonly role: string;
    readonly term: number;
    readonly leaseForMs: number;
    readonly fit: boolean;
    readonly unfitReason: string;
    readonly redis: string;
    readonly heardAgoMs: Readonly<Record<string, number | null>>;
  }[];
}

export interface HistoryView {
  readonly stepMs: number;
  readonly endMs: number;
  readonly coordinators: Readonly<
    Record<
      string,
      {
        readonly roundTripMs: readonly (number | null)[];
        readonly standing: readonly (StandingKind | null)[];
      }
    >
  >;
}

export interface LogsView {
  readonly lines: readonly {
    readonly atMs: number | null;
    readonly stream: "stdout" | "stderr";
    readonly text: string;
  }[];
}
