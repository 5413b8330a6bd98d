// What happened to one container, by the engine's own events.

import assert from "node:assert/strict";
import type { LabEngine } from "./engine.ts";

export interface LifeEvent {
  readonly action: "start" | "die" | "kill" | "stop";
  readonly atMs: number;
}

const isTold = (action: string | undefined): action is LifeEvent["action"] =>
  action === "start" || action === "die" || action === "kill" || action === "stop";

/** Oldest first, since then (wall clock, ms). The engine remembers its last 256 events, of all containers. */
export async function lifeOf(
  engine: LabEngine,
  container: string,
  since: number,
): Promise<readonly LifeEvent[]> {
  // A name is also the beginning of other names.
  const id = (await engine.docker("inspect", "-f", "{{.Id}}", container)).stdout.trim();
  const ran = await engine.docker(
    ...["events", "--since", (since / 1000).toFixed(3), "--until", (Date.now() / 1000).toFixed(3)],
    ...["--filter", `container=${id}`, "--format", "{{.TimeNano}} {{.Action}}"],
  );
  return ran.stdout.split("\n").flatMap((line) => {
    const [at = "", action] = line.split(" ");
    return isTold(action) ? [{ action, atMs: Number(at) / 1e6 }] : [];
  });
}

export const startsOf = (life: readonly LifeEvent[]): readonly LifeEvent[] =>
  life.filter(({ action }) => action === "start");

/** Nobody ended it but itself, and each start but the first follows a death of its own. */
export function assertOneStartForEachDeath(life: readonly LifeEvent[], name: string): void {
  const words = life.map(({ action }) => action);
  const expected = words.map((_, at) => (at % 2 === 0 ? "start" : "die"));
  assert.deepEqual(words, expected, `starts and deaths of ${name}`);
}
