// What must hold while somebody floods one part of a mesh.

import assert from "node:assert/strict";
import type { Harm } from "./attacker.ts";
import type { Flood, HostileMesh, Victim } from "./hostile-mesh.ts";

/** What can be said of a machine that two others load at the same time; `npm run soak` tells what it reached. */
const slowestFlood = 200;
/**
 * How much a flooded process's private memory may grow. Node reads each datagram into a buffer of 64 KiB, and V8
 * collects at the latest when 64 MB of them have piled up.
 */
const memoryGrowth = 96 * 1024 * 1024;
/** Elections that a flood of one part may cost. */
const mostElections = 3;
/** Datagrams of our own that arrive among the attacker's, a second; of a mesh of three workers. */
const ownPerSecond = 100;

/** Floods one and checks that nobody is condemned or touched, that it lives, does not grow, and counts each datagram. */
export async function assertBorne(mesh: HostileMesh, victim: Victim, how: Flood): Promise<void> {
  const starts = await mesh.mesh.startTimes();
  const { sent, memory, seen, counted } = await mesh.flood(victim, how);
  const rate = Math.round((1_000 * sent.total) / sent.ms);
  const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);
  console.log(
    `${victim.name}, ${how.of}: ${rate} datagrams a second for ${(sent.ms / 1_000).toFixed(1)} s, ` +
      `${counted("dropped_socket_full")} of ${sent.total} dropped by the kernel; ` +
      `memory ${mib(memory.before)} to ${mib(memory.most)} MiB; ` +
      `${seen.partial.length} partial, ${seen.elections} elections, ${Math.round(seen.leaderlessMs)} ms without a leader`,
  );
  assert.ok(rate >= slowestFlood, `only ${rate} a second`);
  assert.deepEqual(seen.verdicts, []);
  assert.deepEqual(seen.recoveries, []);
  assert.deepEqual(await mesh.mesh.startTimes(), starts);
  assert.doesNotThrow(() => process.kill(victim.pid, 0), "it lives");
  assert.ok(seen.elections <= mostElections, `${seen.elections} elections`);
  assert.ok(memory.most - memory.before < memoryGrowth, `memory grew to ${memory.most} bytes`);
  assertCounted(how, victim, sent, counted);
}

/** Each datagram that arrived is counted once, by its kind; what the kernel dropped at the socket is counted too. Few are lost before that. */
function assertCounted(
  how: Flood,
  { answersText }: Victim,
  sent: { readonly sent: Readonly<Partial<Record<Harm, number>>>; readonly total: number },
  counted: (name: string) => number,
): void {
  const received = counted("datagrams_received") + counted("received");
  let sum = 0;
  for (const [kind, count] of Object.entries(sent.sent)) {
    const isText = kind === "text-too-often";
    const own = counted(counterOf(isText && !answersText ? "too-short" : kind));
    // So many a person may ask.
    const answered = isText && answersText ? 40 + 25 * (how.seconds + 1) : 0;
    assert.ok(own <= count, `${own} ${kind} of ${count}`);
    sum += own + Math.min(answered, count - own);
  }
  // The counters are read a while before and after.
  const ownAmong = ownPerSecond * (how.seconds + 10);
  assert.ok(sum >= received - ownAmong, `${sum} of ${received} that arrived are counted`);
  const arrived = received + counted("dropped_socket_full");
  assert.ok(arrived >= 0.8 * sent.total, `${arrived} of ${sent.total} arrived`);
}

export const counterOf = (kind: string): string => `dropped_${kind.replaceAll("-", "_")}`;
