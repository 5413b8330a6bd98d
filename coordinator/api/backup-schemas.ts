// The shapes of proto/backup.ts for OpenAPI, and what a restore is held to.

import { limits } from "../../proto/limits.ts";
import { flag, list, map, number, shape, text, type Schema } from "./schema-words.ts";

const instant = (description: string): Schema => ({
  ...text(`${description}, ISO 8601`),
  minLength: 1,
  maxLength: 40,
});
const worker: Schema = { ...text("its id"), minLength: 1, maxLength: limits.nameBytes };

const backup = shape({
  version: { type: "integer", const: 1 },
  cluster: {
    ...text("CLUSTER_ID of the system that it was taken of"),
    minLength: 1,
    maxLength: 200,
  },
  at: instant("when it was taken"),
  documents: map(
    { type: "object", additionalProperties: true },
    "what people gave, by kind (templates, scaling, clusters) and name",
  ),
  silences: list(
    shape({ worker, until: instant("until then"), reason: { ...text(), maxLength: 1000 } }),
  ),
  quarantines: list(shape({ worker, since: instant("since then") })),
});

const restored = shape({
  text: text("what was restored"),
  documents: number(),
  silences: number(),
  quarantines: number(),
  unchanged: number("what was there already, just so"),
  passed: number("silences whose time has passed"),
});

export const backupSchemas = { Backup: backup, Restore: restored } satisfies Readonly<
  Record<string, Schema>
>;

export const backupRequests = {
  backup,
  restore: {
    type: "object",
    additionalProperties: false,
    properties: {
      replace: { ...flag("what is there and differs gives way"), default: false },
    },
  },
} as const;
