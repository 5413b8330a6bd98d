// `heartmesh coordinators`: who they are, and one more or one less.

import { setTimeout as sleep } from "node:timers/promises";
import type { CommandView, CoordinatorsView } from "../../proto/rest.ts";
import { refusal, type Answer } from "./client.ts";
import { print } from "./print.ts";
import type { VerbCall } from "./verb.ts";
import { coordinatorsText } from "./words.ts";

/** A leader hands over before it is removed, and an election takes a moment: 503 means to ask again. */
const tries = { most: 10, apart: 1000 };

export async function coordinators(call: VerbCall): Promise<number> {
  const [deed, who = "", ...rest] = call.words;
  if (deed === undefined) {
    const view = await call.client.get<CoordinatorsView>("/api/v1/coordinators");
    return print(call, view, coordinatorsText);
  }
  const equals = who.indexOf("=");
  if (rest.length === 0 && deed === "add" && equals > 0) {
    const body = { id: who.slice(0, equals), address: who.slice(equals + 1) };
    return change(call, "POST", "/api/v1/coordinators", body);
  }
  if (rest.length === 0 && deed === "remove" && who !== "") {
    return change(call, "DELETE", `/api/v1/coordinators/${encodeURIComponent(who)}`);
  }
  call.terminal.err(
    `heartmesh: "${call.words.join(" ")}" is not understood; expected add ID=HOST:PORT, or remove ID`,
  );
  return 2;
}

async function change(
  call: VerbCall,
  method: string,
  path: string,
  body?: unknown,
): Promise<number> {
  let answer: Answer = { status: 503, text: "{}" };
  for (let left = tries.most; left > 0 && answer.status === 503; left--) {
    if (left < tries.most) await sleep(tries.apart, undefined, { signal: call.signal });
    answer = await call.client.ask(method, path, body);
  }
  if (answer.status !== 200) throw refusal(answer.status, answer.text);
  return print(call, JSON.parse(answer.text) as CommandView, ({ text }) => text);
}
