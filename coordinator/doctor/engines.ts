// Whether each engine answers, lets us act, and knows the time. Nothing is changed there: what is asked for is a start of a container that does not exist.

import { accessSync, constants } from "node:fs";
import { isCodedError } from "../../proto/coded-error.ts";
import { EngineClient, EngineRefused } from "../docker/engines.ts";
import { endpointText, type Endpoint, type EngineSpec } from "../docker/endpoints.ts";
import { inTime } from "../io/in-time.ts";
import { symptom, type Symptom } from "./ailments.ts";
import { clockText, readClock } from "./clock.ts";

const patience = 4_000;
const clockMayErr = 2_000;
const nobody = "heartmesh-doctor-asks-whether-it-may";

/** Never rejects. */
export async function ofEngine(spec: EngineSpec): Promise<readonly Symptom[]> {
  const name = spec.name === "" ? endpointText(spec.read) : spec.name;
  const closed = [spec.read, spec.write].find((way) => !isOpenToUs(way));
  if (closed !== undefined) {
    const text = `${name}: this process (uid ${process.getuid?.() ?? "unknown"}) may not read and write ${endpointText(closed)}.`;
    return [symptom("socket-rights", name, text)];
  }
  const client = new EngineClient(spec);
  try {
    return await inTime(patience, () => examine(client, name));
  } catch (error) {
    return [symptom("engine-unreachable", name, `${name}: ${detailOf(error)}.`)];
  } finally {
    client.close();
  }
}

/** A path that is not there is told by the call that fails. */
function isOpenToUs(way: Endpoint): boolean {
  if (way.kind !== "unix") return true;
  try {
    accessSync(way.path, constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EACCES";
  }
}

async function examine(client: EngineClient, name: string): Promise<readonly Symptom[]> {
  await client.connect();
  const found: Symptom[] = [];
  const clock = await readClock(async () => {
    const info = (await client.call({ what: "info", path: "/info" })) as {
      readonly SystemTime?: string;
    };
    // Podman leaves it out.
    return info.SystemTime === undefined ? Date.now() : Date.parse(info.SystemTime);
  });
  if (clock.isOff(clockMayErr)) {
    found.push(symptom("engine-clock", name, `${name}: its clock is ${clockText(clock)}.`));
  }
  const refusal = await refusalOfWrites(client);
  if (refusal !== undefined) {
    found.push(symptom("engine-refuses-writes", name, `${name} refuses to start: ${refusal}.`));
  }
  return found;
}

/** Undefined where it would start a container: of one that does not exist it says just that. */
async function refusalOfWrites(client: EngineClient): Promise<string | undefined> {
  try {
    const path = `/containers/${nobody}/start`;
    await client.call({ what: "start", method: "POST", path, timeout: patience });
    return undefined;
  } catch (error) {
    if (error instanceof EngineRefused && error.status === 404) return undefined;
    return detailOf(error);
  }
}

const detailOf = (error: unknown): string =>
  (isCodedError(error) ? error.detail : (error as Error).message).replace(/\.$/, "");
