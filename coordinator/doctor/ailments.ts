// Everything that the doctor can find: how grave it is, why it matters and what to do. What was found, and where, is said by who finds it.

import type { DoctorFinding, Grade } from "../../proto/doctor-rest.ts";

interface Ailment {
  readonly grade: Grade;
  readonly why: string;
  readonly remedy: string;
}

export const ailments = {
  "coordinator-silent": {
    grade: "error",
    why: "One that does not answer cannot be asked, and no write can be forwarded to it while it leads.",
    remedy: "Start it, or mend the way to it; where it listens elsewhere, set COORDINATOR_URLS.",
  },
  "not-ready": {
    grade: "error",
    why: "It cannot do all of its work now.",
    remedy: "Mend what the reason names.",
  },
  abstains: {
    grade: "warning",
    why: "Its word does not count while it abstains: the quorum has one voice less.",
    remedy: "Mend what the reason names: its network, or what keeps its machine from running it.",
  },
  "votes-not": {
    grade: "error",
    why: "With one vote less, the next coordinator that fails may leave nobody to lead.",
    remedy: "Read its log; its DATA_DIR must take writes, or it must hear all others once.",
  },
  "peer-unheard": {
    grade: "error",
    why: "Coordinators that do not hear each other count as failed: fewer failures are left to survive.",
    remedy:
      "See that the other one runs, that UDP on MESH_PORT passes both ways, and that COORDINATORS and MESH_KEY are the same.",
  },
  alone: {
    grade: "warning",
    why: "With one coordinator nobody acts when it fails, and nobody doubts its word.",
    remedy: "Run three, each on a machine of its own.",
  },
  even: {
    grade: "warning",
    why: "An even number survives no more failures than one less, and can fall into two halves.",
    remedy: "Add one (heartmesh coordinators add) or remove one.",
  },
  "clocks-apart": {
    grade: "warning",
    why: "Events, recoveries and silences are dated by wall clocks: their order and length will mislead.",
    remedy: "Let a time service (chrony, systemd-timesyncd) keep the machines' clocks.",
  },
  "versions-apart": {
    grade: "warning",
    why: "Releases that differ are meant to run beside each other only while one is rolled out.",
    remedy: "Bring all coordinators to the same release.",
  },
  "name-unresolved": {
    grade: "error",
    why: "Nothing can be sent to a name without an address.",
    remedy: "Correct the name in COORDINATORS, or the name service that should know it.",
  },
  "mesh-insecure": {
    grade: "warning",
    why: "Without MESH_KEY anybody on the network may forge datagrams: votes, verdicts, signs of life.",
    remedy: "Give all coordinators and agents the same MESH_KEY (openssl rand -hex 32).",
  },
  "tokens-missing": {
    grade: "advice",
    why: "Without API_TOKENS HTTP listens on loopback alone: no proxy, no other machine and no other coordinator can ask it, and whoever reaches it is an admin.",
    remedy: "Set API_TOKENS, with a name for each person.",
  },
  "channels-missing": {
    grade: "warning",
    why: "Nobody is told of quarantines, of hosts that die, or of recoveries that were given up.",
    remedy: "Set SLACK_WEBHOOK_URL, WEBHOOK_URL or SMTP_URL, and try it: heartmesh notify test.",
  },
  "deadman-missing": {
    grade: "advice",
    why: "When all coordinators fall out at once, no message says so.",
    remedy: "Set DEADMAN_URL to a service that raises the alarm when its calls stop.",
  },
  "webhook-unsigned": {
    grade: "advice",
    why: "The receiver cannot tell our messages from anybody else's.",
    remedy: "Set WEBHOOK_SECRET, and check x-heartmesh-signature there.",
  },
  "faults-allowed": {
    grade: "warning",
    why: "FAULT_INJECTION lets an admin cut coordinators off from each other.",
    remedy: "Unset it outside of tests.",
  },
  "config-invalid": {
    grade: "error",
    why: "A coordinator does not start with it.",
    remedy: "Correct it; heartmesh config shows what is effective.",
  },
  "config-warning": {
    grade: "warning",
    why: "It works, and hardly as it was meant.",
    remedy: "Correct it; heartmesh config shows what is effective.",
  },
  "redis-unreachable": {
    grade: "error",
    why: "Jobs, the record and notifications wait for Redis; the leader acts directly meanwhile.",
    remedy: "Start the server; check REDIS_URL, its password, and the network between.",
  },
  "redis-missing": {
    grade: "error",
    why: "Without REDIS_URL a private redis-server is started, and there is none to start.",
    remedy: "Install redis-server, or set REDIS_URL.",
  },
  "redis-volatile": {
    grade: "warning",
    why: "A restart of Redis loses the record, and all quarantines and silences that no coordinator remembers.",
    remedy:
      "Set appendonly yes in its configuration (redis-server --appendonly yes), on a disk that lasts.",
  },
  "redis-snapshots": {
    grade: "advice",
    why: "It saves now and then: a crash loses what happened since, jobs too.",
    remedy: "Set appendonly yes in its configuration.",
  },
  "redis-disk": {
    grade: "error",
    why: "Its last save failed: it may refuse writes, and a restart loses what was not saved.",
    remedy: "Look at its disk and its log.",
  },
  "redis-evicts": {
    grade: "warning",
    why: "When its memory is full it throws keys away, jobs and the record among them.",
    remedy: "Set maxmemory-policy noeviction, and a Redis of heartmesh's own.",
  },
  "redis-old": {
    grade: "warning",
    why: "BullMQ, which carries the jobs, wants Redis 6.2 or later.",
    remedy: "Run a later Redis.",
  },
  "redis-clock": {
    grade: "warning",
    why: "Leases and the ids of events go by Redis' clock: times of events will mislead.",
    remedy: "Let a time service keep the clock of its machine.",
  },
  "redis-untold": {
    grade: "advice",
    why: "It does not let us read whether it saves to disk.",
    remedy: "See to it by hand that it has appendonly yes and noeviction.",
  },
  "engine-unreachable": {
    grade: "error",
    why: "What runs there is neither seen nor revived.",
    remedy: "Start the engine or the proxy before it; check DOCKER_HOST and its TLS files.",
  },
  "socket-rights": {
    grade: "error",
    why: "Without rights to the engine's socket nothing there is seen or revived.",
    remedy:
      "Let the user who runs heartmesh into the socket's group (group_add in Compose), or put the proxy of compose.proxy.yaml before it.",
  },
  "engine-refuses-writes": {
    grade: "error",
    why: "heartmesh sees workers fail there and may not start them.",
    remedy:
      "Let the proxy pass POST /containers/*/{start,stop,restart,kill,wait}, or set DOCKER_WRITE_HOST to one that does.",
  },
  "engine-clock": {
    grade: "warning",
    why: "Start times and events of containers go by the engine's clock: what is new will be taken for old.",
    remedy: "Let a time service keep the clock of its machine.",
  },
  "disk-unwritable": {
    grade: "error",
    why: "Term and vote must be on disk before they count: it neither votes nor leads anew.",
    remedy: "Give DATA_DIR to the user who runs heartmesh; see that it is mounted for writing.",
  },
  "disk-full": {
    grade: "error",
    why: "When the disk is full no vote can be saved, and a private Redis stops taking writes.",
    remedy: "Free space, or move DATA_DIR.",
  },
  "disk-nearly-full": {
    grade: "warning",
    why: "When the disk is full no vote can be saved, and a private Redis stops taking writes.",
    remedy: "Free space, or move DATA_DIR.",
  },
  "port-taken": {
    grade: "warning",
    why: "A coordinator that is started here could not bind it; or one runs whose HTTP does not answer.",
    remedy: "See which process holds it (ss -lunp), and end it, or choose another MESH_PORT.",
  },
  "no-workers": {
    grade: "warning",
    why: "Nothing is watched, so nothing will be revived.",
    remedy: "Give containers the label of WORKER_LABEL, or name workers in WORKERS.",
  },
  "tcp-sees-no-hang": {
    grade: "warning",
    why: "A process that was stopped or hangs still accepts connections.",
    remedy: "Use an http:// check, an agent with a check, or a HEALTHCHECK.",
  },
  "agent-unchecked": {
    grade: "warning",
    why: "Its answers prove the agent alone: a worker that hangs looks healthy.",
    remedy: "Set WORKER_CHECK on the agent.",
  },
  "engine-only": {
    grade: "warning",
    why: "Only the engine speaks for it: a hang is not seen without a HEALTHCHECK.",
    remedy: "Give it an agent, the label heartmesh.check, or a HEALTHCHECK.",
  },
  "never-heard": {
    grade: "error",
    why: "What was never heard cannot be missed: its silence is no evidence.",
    remedy: "Check that it runs, its port, the network between, and MESH_KEY.",
  },
  partial: {
    grade: "warning",
    why: "Nothing is done about a worker that some hear; when it fails they may still disagree.",
    remedy: "Mend the path between it and those who do not hear it.",
  },
  quarantined: {
    grade: "warning",
    why: "heartmesh has given up on it until a person, or a long spell of health, ends that.",
    remedy: "Mend it, then: heartmesh release.",
  },
  "label-invalid": {
    grade: "warning",
    why: "A label that cannot be read tunes nothing: the defaults hold.",
    remedy: "Correct the label.",
  },
  unwatched: {
    grade: "warning",
    why: "Nobody can tell whether it lives, so nothing is ever done about it.",
    remedy: "Give it an agent, or the label heartmesh.check.",
  },
  "mapping-ambiguous": {
    grade: "warning",
    why: "Where several fit, none is acted on.",
    remedy: "Give each its own name.",
  },
  "mapping-missing": {
    grade: "warning",
    why: "Without a container that belongs to it nothing can be restarted.",
    remedy: "Label its container, or give the name of one.",
  },
  finding: {
    grade: "warning",
    why: "The coordinators show it as something that a person should know.",
    remedy: "Do what it says.",
  },
} as const satisfies Readonly<Record<string, Ailment>>;

export type AilmentCode = keyof typeof ailments;

/** Before it is known who found it. */
export type Symptom = Omit<DoctorFinding, "by">;

export function symptom(code: AilmentCode, subject: string, found: string): Symptom {
  return { ...ailments[code], code, subject, found };
}

/** Of a code that may be one of the core's own. */
export const symptomOf = (code: string, subject: string, found: string): Symptom =>
  Object.hasOwn(ailments, code)
    ? symptom(code as AilmentCode, subject, found)
    : { ...symptom("finding", subject, found), code };

const order: readonly Grade[] = ["error", "warning", "advice"];

/** The same fault of the same thing once, with all who found it; the gravest first. */
export function gathered(all: readonly DoctorFinding[]): readonly DoctorFinding[] {
  const byFault = new Map<string, DoctorFinding>();
  for (const one of all) {
    const key = `${one.code}\n${one.subject}`;
    const known = byFault.get(key);
    const by = [...new Set([...(known?.by ?? []), ...one.by])].toSorted();
    byFault.set(key, { ...(known ?? one), by });
  }
  return [...byFault.values()].toSorted(
    (a, b) =>
      order.indexOf(a.grade) - order.indexOf(b.grade) ||
      a.code.localeCompare(b.code) ||
      a.subject.localeCompare(b.subject),
  );
}
