// The shapes of what is shown live.

import {
  list,
  map,
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

const liveView = shape({
  nowMs: time("of the picture"),
  status: ref("Status"),
  workers: list(ref("WorkerRow"), "by id"),
  recoveries: list(ref("OpenRecovery"), "the longest open one first"),
  events: list(ref("Event"), "the last 30, newest first"),
});

export const liveSchemas: Readonly<Record<string, Schema>> = {
  WorkerRow: workerRow,
  OpenRecovery: openRecovery,
  LiveView: liveView,
};
