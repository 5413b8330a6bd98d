// Secrets: the present text of one, whose file is read again each time, so that it rotates without a stop; and the mesh's keys.

import { readFileSync } from "node:fs";
import { secretFromFile } from "../proto/config-parse.ts";
import { insecureRing, parseKeyRing, type KeyRing } from "../proto/key-ring.ts";
import type { CoordinatorConfig, Secret } from "./config.ts";
import { coded } from "./errors.ts";

/** What the file holds now; where it cannot be read (it is being replaced), what it held at the start. */
export function currentText(secret: Secret): string {
  if (secret.file === undefined) return secret.text;
  try {
    return secretFromFile(readFileSync(secret.file, "utf8")) || secret.text;
  } catch {
    return secret.text;
  }
}

/** Throws HM_CONFIG where MESH_KEY is none. */
export function ringOf(config: CoordinatorConfig): KeyRing {
  const { key } = config.mesh;
  if (key === undefined) return insecureRing;
  const ring = parseKeyRing(key.text);
  if (!ring.ok) throw coded("HM_CONFIG", `MESH_KEY: ${ring.detail ?? ring.failure}`);
  return ring.value;
}
