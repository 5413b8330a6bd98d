// `heartmesh doctor`: what should be mended before the night, by the word of every coordinator; where none answers, by what can be seen from here.

import { isCoded } from "../../proto/coded-error.ts";
import type { DoctorFinding, DoctorView } from "../../proto/doctor-rest.ts";
import { gathered, symptom } from "../doctor/ailments.ts";
import { clockText } from "../doctor/clock.ts";
import { clientOf } from "./address.ts";
import type { Client } from "./client.ts";
import { doctorText } from "./doctor-words.ts";
import { exits } from "./exit-codes.ts";
import { examineHere, otherUrls } from "./here.ts";
import { print } from "./print.ts";
import type { VerbCall } from "./verb.ts";

/** Each coordinator's own examination takes 4 s at most, and the one that is asked waits for the others. */
const patience = 20_000;
/** Its answer says when it was made, which is a while before it has come. */
const clockMayErr = { ahead: 2_000, behind: patience } as const;
const here = "here";

export async function doctor(call: VerbCall): Promise<number> {
  const view = await examined(call);
  print(call, view, doctorText);
  return view.findings.some(({ grade }) => grade !== "advice") ? exits.failed : exits.done;
}

async function examined(call: VerbCall): Promise<DoctorView> {
  const { client, environment, progress } = call;
  const silent: DoctorFinding[] = [];
  for (const one of [client, ...otherClients(call)]) {
    progress.tell(`${one.url} asks all coordinators`);
    try {
      const view = await asked(one, call);
      return { ...view, findings: gathered([...silent, ...view.findings]) };
    } catch (error) {
      if (!isCoded(error, "HM_UNREACHABLE")) throw error;
      silent.push(byUs("coordinator-silent", one.url, `${error.detail}.`));
    }
  }
  progress.tell("no coordinator answers: looking at what is here");
  const found = await examineHere(environment);
  const ours = found.map((symptomHere) => ({ ...symptomHere, by: [here] }));
  return { coordinators: [], findings: gathered([...silent, ...ours]) };
}

/** Of this process's own configuration, where it is a coordinator's. */
function otherClients({ client, environment }: VerbCall): readonly Client[] {
  return otherUrls(environment)
    .filter((url) => url !== client.url)
    .map((url) => clientOf(environment, url))
    .filter((one) => typeof one !== "string");
}

async function asked(client: Client, { terminal }: VerbCall): Promise<DoctorView> {
  const view = await client.get<DoctorView>("/api/v1/doctor", patience);
  const now = terminal.now();
  const asking = view.coordinators.find(({ aheadMs }) => aheadMs === 0);
  const ahead = (asking?.nowMs ?? now) - now;
  if (ahead <= clockMayErr.ahead && ahead >= -clockMayErr.behind) return view;
  const text = `The clock of ${asking?.id ?? ""} is ${clockText({ ahead })}.`;
  return { ...view, findings: [...view.findings, byUs("clocks-apart", here, text)] };
}

const byUs = (...words: Parameters<typeof symptom>): DoctorFinding => ({
  ...symptom(...words),
  by: [here],
});
