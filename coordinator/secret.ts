// The present text of a secret: its file is read again each time, so that it rotates without a stop.

import { readFileSync } from "node:fs";
import { secretFromFile } from "../proto/config-parse.ts";
import type { Secret } from "./config.ts";

/** What the file holds now; where it cannot be read (it is being replaced), what it held at the start. */
export function currentText(secret: Secret): string {
  if (secret.file === undefined) return secret.text;
  try {
    return secretFromFile(readFileSync(secret.file, "utf8")) || secret.text;
  } catch {
    return secret.text;
  }
}
