// Mistakes that are planted in the production source, each of which the simulator must find.

import type { Mutation } from "./bundle.ts";

export interface Mutant extends Mutation {
  readonly name: string;
}

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
    name: "a lease does not reckon with clocks that drift",
    file: "coordinator/core/lease.ts",
    from: "(promise * (1 - drift)) / (1 + drift) - tick",
    to: "promise",
  },
  {
    name: "one vote is a quorum",
    file: "coordinator/core/quorum.ts",
    from: "export const quorumOf = (configured: number): number => Math.floor(configured / 2) + 1;",
    to: "export const quorumOf = (_configured: number): number => 1;",
  },
  {
    name: "a follower votes while it has promised a leader not to",
    file: "coordinator/core/voter.ts",
    from: "    if (!this.#pledge.mayVote(now)) return refused;",
    to: "",
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
  },
  {
    name: "jobs of one worker are not told apart",
    file: "coordinator/jobs/revival-queue.ts",
    from: "        deduplication: { id: workerHash(job.token.worker) },",
    to: "",
  },
  {
    name: "the epoch of the job that add() returns is not compared",
    file: "coordinator/jobs/revival-queue.ts",
    from: "if (added === job.recovery) return this.#enqueued(job);",
    to: `if (added !== "") return this.#enqueued(job);`,
  },
  {
    name: "nobody follows up a superseded job",
    file: "coordinator/core/recovery-end.ts",
    from: "      settle(ward, c, pause, now);",
    to: '      ward.setRecovery(c, { kind: "idle" }); c.decision = undefined;',
  },
  {
    name: "somebody's stop is taken for a crash",
    file: "coordinator/core/intent.ts",
    from: 'const isCrash = death !== undefined ? kill === undefined : state === "restarting";',
    to: 'const isCrash = death !== undefined || state === "restarting";',
  },
  {
    name: "the start that was decided on is not compared",
    file: "coordinator/docker/act.ts",
    from: "    if (view.startedAt !== target.startedAt) {",
    to: '    if (view.startedAt === "never") {',
  },
  {
    name: "recoveries of an earlier leader are not counted",
    file: "coordinator/core/quarantine.ts",
    from: "    this.#revivals = beginsOf(other, now);\n    this.#quarantinedAt = other.quarantinedAgo < 0",
    to: "    this.#revivals = [];\n    this.#quarantinedAt = other.quarantinedAgo < 0",
  },
  {
    name: "a stall of our own is ignored",
    file: "coordinator/core/self-health.ts",
    from: "    if (lateness <= stallNoticed) return false;",
    to: "    if (lateness >= 0) return false;",
  },
  {
    name: "stale reports are counted",
    file: "coordinator/core/quorum.ts",
    from: `const judging = opinions.filter((o) => o.isFresh && o.standing !== "abstain");`,
    to: `const judging = opinions.filter((o) => o.standing !== "abstain");`,
  },
  {
    name: "one who hears the worker is no witness",
    file: "coordinator/core/quorum.ts",
    from: "  if (witnesses.length > 0 && down.length > 0) {",
    to: "  if (witnesses.length > 7 && down.length > 0) {",
  },
  {
    name: "an unhealthy verdict restarts a paused worker",
    file: "coordinator/docker/act.ts",
    from: "    if (!states.includes(view.state) && !isOursHalfDone) {",
    to: '    if (view.state === "removing") {',
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
    from: `const result = verdict === "stopped" && isByHand ? "stopped" : "died";`,
    to: `const result = "died" as LifeResult & WindowResult;`,
  },
  {
    name: "a look is not made again",
    file: "coordinator/docker/hand.ts",
    from: "    await this.#lookAgain(container);",
    to: "",
  },
  {
    name: "a try that a killed runner made is made again",
    file: "coordinator/jobs/stages.ts",
    from: "return found.startedAt !== job.target.startedAt;",
    to: "return false;",
  },
];
