// Mistakes that are planted in the production source, each of which the simulator must find.

import type { Mutation } from "./bundle.ts";
import type { Mood } from "./moods.ts";

export interface Mutant extends Mutation {
  readonly name: string;
  /** What else has to be wrong: another rule would hide it. */
  readonly also?: readonly Mutation[];
  /** Only runs in this mood can find it, or find it soon. */
  readonly mood?: Mood;
}

/** Whoever hears a worker is heeded twice: now, and for a while after. */
const noWitness = [
  {
    file: "coordinator/core/quorum.ts",
    from: "  if (witnesses.length > 0 && down.length > 0) {",
    to: "  if (witnesses.length > 7 && down.length > 0) {",
  },
  {
    file: "coordinator/core/quorum.ts",
    from: "  if (lately.length > 0) {",
    to: "  if (lately.length > 7) {",
  },
] as const;

export const mutants: readonly Mutant[] = [
  {
    name: "a vote is not durable",
    file: "coordinator/core/vote-book.ts",
    from: `    this.#votedFor = id;
    return this.save();`,
    to: `    this.#votedFor = id;
    return undefined;`,
  },
  {
    name: "what stands behind a vote that could not be saved is sent",
    file: "coordinator/io/mesh-shell.ts",
    from: "if (!this.#persist(output.ballot)) return;",
    to: "this.#persist(output.ballot);",
  },
  {
    name: "a lease lasts one heartbeat too long",
    file: "coordinator/core/lease.ts",
    from: "return from === undefined ? undefined : after(from, this.#length);",
    to: "return from === undefined ? undefined : after(from, this.#length + 100);",
  },
  {
    name: "one vote is a quorum",
    file: "proto/quorum.ts",
    from: "export const quorumOf = (configured: number): number => Math.floor(configured / 2) + 1;",
    to: "export const quorumOf = (_configured: number): number => 1;",
  },
  {
    name: "a follower votes while it has promised a leader not to",
    file: "coordinator/core/voter.ts",
    from: "    if (!this.#pledge.mayVote(now)) return refused;",
    to: "",
    // Else nobody would stand.
    also: [
      {
        file: "coordinator/core/voter.ts",
        from: "    return forTerm > this.term && this.mayVote(now);",
        to: "    return forTerm > this.term;",
      },
    ],
    mood: "elections",
  },
  {
    name: "promises of a former life are forgotten",
    file: "coordinator/core/voter.ts",
    from: "else this.#pledge = Pledge.afterStart(after(now, durable.longestPromise));",
    to: "else this.#pledge = Pledge.afterStart(now);",
  },
  {
    name: "a lost disk may vote at once",
    file: "coordinator/core/voter.ts",
    from: `else if (durable === "lost") this.#pledge = Pledge.afterLoss(after(now, leaderTimeout));`,
    to: "",
    mood: "disks",
  },
  {
    name: "the token is not checked",
    file: "coordinator/jobs/token.ts",
    from: `if (answer[0] === 1) return { kind: "superseded", newer: newerToken(worker, answer) };`,
    to: "",
  },
  {
    name: "an action lease that another holds is not waited for",
    file: "coordinator/jobs/token.ts",
    from: "    if (answer[0] === 2) {",
    to: "    if (answer[0] === 3) {",
  },
  {
    name: "the right to act is not asked for before the call",
    file: "coordinator/docker/hand.ts",
    from: "    if (!this.#mayAct()) {",
    to: "    if (this.#mayAct === undefined) {",
    mood: "queue",
  },
  {
    name: "jobs of one worker are not told apart",
    file: "coordinator/jobs/revival-queue.ts",
    from: "        deduplication: { id: workerHash(job.token.worker) },",
    to: "",
    mood: "queue",
  },
  {
    name: "the epoch of the job that add() returns is not compared",
    file: "coordinator/jobs/revival-queue.ts",
    from: "if (added === job.recovery) return enqueued(job, at);",
    to: `if (added !== "") return enqueued(job, at);`,
    mood: "late-jobs",
  },
  {
    name: "nobody follows up a superseded job",
    file: "coordinator/core/recovery-end.ts",
    from: "      settle(ward, c, pause, now);",
    to: '      ward.setRecovery(c, { kind: "idle" }); c.decision = undefined;',
    mood: "queue",
  },
  {
    name: "somebody's stop is taken for a crash",
    file: "coordinator/core/intent.ts",
    from: 'const isCrash = death !== undefined ? kill === undefined : state === "restarting";',
    to: 'const isCrash = death !== undefined || state === "restarting";',
    mood: "mild",
  },
  {
    name: "the start that was decided on is not compared",
    file: "coordinator/docker/act.ts",
    from: "    if (view.startedAt !== target.startedAt) {",
    to: '    if (view.startedAt === "never") {',
    mood: "queue",
  },
  {
    // Gossip and the news of jobs both tell of the recoveries that another leader began: either alone is enough.
    name: "a cap is counted by each leader for itself",
    file: "coordinator/core/quarantine.ts",
    from: "  return record.revivalsAgo\n    .slice(-limits.revivalsRemembered)",
    to: "  return record.revivalsAgo\n    .slice(limits.revivalsRemembered)",
    also: [
      {
        file: "coordinator/core/recovery-news.ts",
        from: "  if (!continues) c.record.noteRevival(now);",
        to: "",
      },
    ],
    mood: "loops",
  },
  {
    name: "the pre-vote is off",
    file: "coordinator/core/seat.ts",
    from: "        needed: this.#members.quorum - 1,\n        handover: term(0),",
    to: "        needed: 0,\n        handover: term(0),",
  },
  {
    name: "the brake holds nobody back",
    file: "coordinator/core/recovery-gates.ts",
    from: "  if (!brake.tripped) return undefined;",
    to: "  if (brake.failing < 1e9) return undefined;",
    mood: "masses",
  },
  {
    name: "a refusal is not explained",
    file: "coordinator/core/recovery-launch.ts",
    from: '    ward.explain(c, "held", gate.text, { evidence: ask.verdict.evidence });',
    to: "",
  },
  {
    name: "one who hears the worker is no witness",
    ...noWitness[0],
    also: noWitness.slice(1),
    mood: "paths",
  },
  {
    name: "an unhealthy verdict restarts a paused worker",
    file: "coordinator/docker/act.ts",
    from: "    if (!states.includes(view.state) && !isOursHalfDone) {",
    to: '    if (view.state === "removing") {',
    mood: "pauses",
  },
  {
    name: "a person's silence is not heeded",
    file: "coordinator/core/recovery-launch.ts",
    from: "  if (record.isSilenced(now)) {",
    to: "  if (record.isSilenced(now) && now < 0) {",
  },
  {
    name: "the leader goes on directly after its lease",
    file: "coordinator/io/mesh.ts",
    from: "return this.#lease.left() > leaseMargin;",
    to: "return true;",
  },
  {
    name: "Redis away is not waited out before acting directly",
    file: "coordinator/core/recovery-gates.ts",
    from: "  if (directFrom !== undefined && now < directFrom)",
    to: "  if (directFrom !== undefined && now < 0)",
  },
  {
    name: "a stop in the verification window is a failed try",
    file: "coordinator/core/vigil.ts",
    from: `const result = how === "stopped" ? "stopped" : "died";`,
    to: `const result = "died" as LifeResult & WindowResult;`,
  },
  {
    name: "a look is not made again",
    file: "coordinator/docker/hand.ts",
    from: "    await this.#lookAgain(container);",
    to: "",
    mood: "queue",
  },
  {
    name: "a change of the coordinators skips the old quorum",
    file: "coordinator/core/reconfiguration.ts",
    from: "return count >= members.quorum;",
    to: "return true;",
    mood: "members",
  },
];
