// The shapes of proto/doctor-rest.ts and proto/queues-rest.ts for OpenAPI, and an answer of each.

import type { DoctorView } from "../../proto/doctor-rest.ts";
import type { QueuesView } from "../../proto/queues-rest.ts";
import { ailments } from "../doctor/ailments.ts";
import {
  flag,
  list,
  number,
  oneOf,
  orNull,
  shape,
  text,
  time,
  type Schema,
} from "./schema-words.ts";

const examined = shape({
  id: text(),
  url: orNull(text("where its HTTP is asked")),
  answers: flag(),
  text: text("why it does not answer; empty where it does"),
  version: orNull(text("its release")),
  nowMs: orNull(time("its wall clock when it answered")),
  aheadMs: orNull(number("its clock before that of the one that was asked, in milliseconds")),
});

const own: Schema = {
  ...examined,
  properties: {
    ...(examined["properties"] as object),
    askedAtMs: time("with own=true: its wall clock when it was asked"),
  },
};

const doctor = shape({
  coordinators: list(own, "by id"),
  findings: list(
    shape({
      grade: oneOf("error", "warning", "advice"),
      code: text("one word a fault"),
      subject: text("the worker, host, coordinator, engine or variable"),
      found: text(),
      why: text("why it matters"),
      remedy: text("what to do"),
      by: list(text(), "the coordinators that found it"),
    }),
    "the gravest first",
  ),
});

const queues = shape({
  queues: list(
    shape({
      name: oneOf("revival", "migration", "notification"),
      isPaused: flag(),
      waiting: number(),
      active: number(),
      delayed: number("they wait for their time"),
      failed: number("that are still kept"),
      completed: number("that are still kept"),
      lastFailed: list(
        shape({
          id: text(),
          about: text("the worker or service; of a notification its channel and event"),
          reason: text("why it failed"),
          tries: number(),
          endedAtMs: orNull(time("its end")),
        }),
        "newest first; at most ten",
      ),
    }),
  ),
});

export const doctorSchemas: Readonly<Record<string, Schema>> = { Doctor: doctor, Queues: queues };

const one = { answers: true, text: "", version: "0.1.0", nowMs: 1_772_403_252_000 };

const diagnosis: DoctorView = {
  coordinators: [
    { ...one, id: "c1", url: "http://10.0.0.1:8080", aheadMs: 0 },
    { ...one, id: "c2", url: "http://10.0.0.2:8080", aheadMs: 3 },
  ],
  findings: [
    {
      ...ailments["redis-volatile"],
      code: "redis-volatile",
      subject: "redis://10.0.0.4:6379/0",
      found: 'redis://10.0.0.4:6379/0 has appendonly no and save "".',
      by: ["c1", "c2"],
    },
  ],
};

const depths: QueuesView = {
  queues: [
    {
      name: "revival",
      isPaused: false,
      ...{ waiting: 0, active: 1, delayed: 1, failed: 3, completed: 41 },
      lastFailed: [
        {
          id: "2.7.0d4e1b4c9a7f3321",
          about: "h3/web-3",
          reason: "try 3 of 3: its container has exited with code 1",
          tries: 3,
          endedAtMs: 1_772_401_212_310,
        },
      ],
    },
  ],
};

export const examples = { doctor: diagnosis, queues: depths } as const;
