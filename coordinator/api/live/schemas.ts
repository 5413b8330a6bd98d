// The shapes of what is shown live.

import {
  flag,
  list,
  map,
  ms,
  number,
  oneOf,
  orNull,
  ref,
  shape,
  text,
  time,
  type Schema,
} from "../schema-words.ts";

const standing = oneOf("up", "doubt", "down", "abstain");

const workerRow = shape({
  id: text("<host>/<container name>, or swarm/<service>.<slot>"),
  role: oneOf("worker", "coordinator", "redis", "haproxy"),
  verdict: text("what the quorum concludes: healthy, silent, stopped …"),
  reason: text("why this and not another"),
  host: text("the engine that runs its container; empty where it has none"),
  probe: text("how it is asked"),
  roundTripMs: orNull(number("two digits, on this coordinator's path, in milliseconds")),
  loss: orNull(number("two digits, 0 to 1")),
  load: orNull(number("two digits, 1: all of its limit, or one processor")),
  standings: map(standing, "what each coordinator believes of it"),
  recovery: {
    ...shape({ id: text(), stage: text(), tries: number(), text: text() }),
    type: ["object", "null"],
  },
  quarantinedAtMs: orNull(time("since when it is in quarantine")),
  silencedUntilMs: orNull(time("until when it is left alone because a person said so")),
  silenceReason: text(),
  revivalsInWindow: number("recoveries within REVIVAL_WINDOW"),
});

const openRecovery = shape({
  id: text("empty until it has begun"),
  worker: text("or swarm:<service>, plain:<host>/<container name>"),
  verdict: text(),
  action: text("empty where only news of it was heard"),
  stage: oneOf("waiting", "enqueueing", "enqueued", "acting", "verifying", "backing-off"),
  tries: number("that were made"),
  maxTries: number(),
  text: text("one sentence"),
  detectedAtMs: time("failure found"),
  stageAtMs: time("when it came to this stage"),
  dueAtMs: orNull(time("when the next thing happens by itself")),
});

const leftToPeople = shape({
  worker: text("swarm:<service>, or plain:<host>/<container name>"),
  verdict: text("what the quorum concludes"),
  reason: text("why this verdict"),
  text: text("why nothing is done"),
  awaitsWord: flag("it moves once a person says that it has ended where it ran"),
});

const liveView = shape({
  nowMs: time("of the picture"),
  status: ref("Status"),
  workers: list(ref("WorkerRow"), "by id"),
  recoveries: list(ref("OpenRecovery"), "the longest open one first"),
  left: list(ref("LeftToPeople"), "what does not run as it shall and waits for a person, by name"),
  events: list(ref("Event"), "the last 30, newest first"),
});

const mesh = shape({
  coordinators: list(
    shape({
      id: text(),
      url: orNull(text("where its HTTP answers")),
      answers: flag(),
      text: text("why it does not"),
      role: {
        type: ["string", "null"],
        enum: ["follower", "pre-candidate", "candidate", "leader", null],
        description: "null where it does not answer, as the next three",
      },
      term: orNull(number()),
      leaseForMs: orNull(ms("how long its lease still lasts; 0 without one")),
      fit: orNull(flag("whether it is fit to judge")),
      unfitReason: text(),
      redis: oneOf("reachable", "unreachable", "unknown"),
      heardAgoMs: map(orNull(ms("since it heard that one")), "by coordinator"),
    }),
    "in the order of their set",
  ),
});

const history = shape({
  stepMs: ms("between two samples"),
  endMs: time("of the newest samples"),
  coordinators: map(
    shape({
      roundTripMs: list(orNull(number()), "null where nothing was heard"),
      standing: list({ type: ["string", "null"], enum: ["up", "doubt", "down", "abstain", null] }),
    }),
    "by coordinator: its samples, oldest first",
  ),
});

const logs = shape({
  lines: list(
    shape({
      atMs: orNull(time("when it was written")),
      stream: oneOf("stdout", "stderr"),
      text: text(),
    }),
  ),
});

export const liveSchemas: Readonly<Record<string, Schema>> = {
  WorkerRow: workerRow,
  OpenRecovery: openRecovery,
  LeftToPeople: leftToPeople,
  LiveView: liveView,
  Mesh: mesh,
  History: history,
  WorkerLogs: logs,
};
