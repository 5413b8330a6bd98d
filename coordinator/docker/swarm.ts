// Reads the Swarm by whichever configured engine is a manager that can tell, and says in words why none can.

import { setTimeout as sleep } from "node:timers/promises";
import { isCodedError } from "../../proto/coded-error.ts";
import type { Duration } from "../../proto/units.ts";
import type { SwarmView } from "../core/migration/swarm-view.ts";
import { hasStatus, type EngineClient } from "./engines.ts";
import type { SwarmPart } from "./swarm-part.ts";
import {
  hasQuorum,
  quorumOf,
  swarmViewOf,
  type Quorum,
  type RawNode,
  type RawService,
  type RawTask,
} from "./swarm-views.ts";

export type SwarmReading =
  | {
      readonly kind: "swarm";
      readonly view: SwarmView;
      /** The engine that told it. */
      readonly by: string;
      readonly engines: readonly EnginePlace[];
    }
  | {
      readonly kind: Untold;
      /** What each engine is or says, for a person. */
      readonly text: string;
      readonly engines: readonly EnginePlace[];
    };

/** `none`: no engine is a manager. `no-quorum`: one is, and cannot tell. `refused`: one is, and may not tell. `silent`: one that was a manager does not answer. */
export type Untold = "none" | "no-quorum" | "refused" | "silent";

/** Which node of the Swarm an engine is. */
export interface EnginePlace {
  /** The engine's name. */
  readonly engine: string;
  /** Empty outside a Swarm; undefined where it has never said. */
  readonly nodeId: string | undefined;
}

/** The calls that are made. */
export type SwarmEngine = Pick<EngineClient, "host" | "info" | "ping" | "swarmList">;

/** How long the picture waits for what the other engines say of themselves: a dead one must not hold it up. */
const patience: Duration = 300;
/** How long is believed what an engine said it is while a manager tells: an engine works for that as for twenty lists (measured). */
const believedFor: Duration = 5_000;
/** How long the manager that told last is given before all are asked. */
const glancePatience: Duration = 400;

export class SwarmReader<Engine extends SwarmEngine = SwarmEngine> {
  readonly #clients: readonly Engine[];
  /** Milliseconds that only grow. */
  readonly #now: () => number;
  /** What each engine last said of itself. */
  readonly #parts = new Map<SwarmEngine, SwarmPart>();
  readonly #saidAt = new Map<SwarmEngine, number>();
  /** Under way. */
  #reading: Promise<SwarmReading> | undefined;
  /** `begun` by the reader's clock. */
  #lastGlance: { readonly begun: number; readonly answer: Promise<SwarmReading> } | undefined;
  /** It told the last picture. */
  #teller: Engine | undefined;

  constructor(clients: readonly Engine[], now: () => number = () => performance.now()) {
    this.#clients = clients;
    this.#now = now;
  }

  /** Never rejects; takes at most 8 s. Who asks while a reading is under way gets that one. */
  read(): Promise<SwarmReading> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /**
   * As `read`, for who looks often: only the manager that told last is asked, and all where it does not tell soon. What the
   * engines are is remembered, not asked.
   *
   * @param maxAge one that was begun less than so long ago will do
   */
  glance(maxAge: Duration): Promise<SwarmReading> {
    const now = this.#now();
    const last = this.#lastGlance;
    if (last !== undefined && now - last.begun < maxAge) return last.answer;
    const answer = this.#glanceNow();
    this.#lastGlance = { begun: now, answer };
    return answer;
  }

  /** The manager that told a picture. */
  manager(by: string): Engine | undefined {
    return this.#clients.find(({ host }) => host === by);
  }

  async #glanceNow(): Promise<SwarmReading> {
    if (this.#teller === undefined) return await this.read();
    const telling = await Promise.race([tellingOf(this.#teller), sleep(glancePatience)]);
    if (telling === undefined || !isGood(telling)) return await this.read();
    return { kind: "swarm", view: telling.view, by: telling.by, engines: this.#places() };
  }

  async #readNow(): Promise<SwarmReading> {
    const telling = this.#clients.map((client) => tellingOf(client));
    const told = firstOf(telling, isGood);
    const isSoon = (await Promise.race([told, sleep(patience)])) !== undefined;
    // While nobody tells, each is asked what it is: that is what a person will be told.
    const asked = this.#clients.filter((client) => !isSoon || !this.#isBelieved(client));
    const asking = asked.map((client) => this.#ask(client));
    const picture = await told;
    if (picture !== undefined) {
      this.#teller = this.manager(picture.by);
      await Promise.race([Promise.all(asking), sleep(patience)]);
      return { kind: "swarm", view: picture.view, by: picture.by, engines: this.#places() };
    }
    const [answers, tellings] = await Promise.all([Promise.all(asking), Promise.all(telling)]);
    const texts = answers.map((answer, at) => this.#textOf(answer, tellings[at]));
    const text = texts.length === 0 ? "no engine is configured" : texts.join("; ");
    return { kind: this.#kindOf(answers, tellings), text, engines: this.#places() };
  }

  #isBelieved(client: SwarmEngine): boolean {
    const saidAt = this.#saidAt.get(client);
    return saidAt !== undefined && this.#now() - saidAt < believedFor;
  }

  #kindOf(answers: readonly EngineAnswer[], tellings: readonly Telling[]): Untold {
    const managers = answers.flatMap((one, at) =>
      one.isThere && this.#mayManage(one) ? tellings.slice(at, at + 1) : [],
    );
    if (managers.some(({ kind }) => kind !== "refused")) return "no-quorum";
    if (managers.length > 0) return "refused";
    // Of one that never answered nobody knows what it is; plain engines beside it speak for none.
    const isMissed = answers.some(
      (one) => !one.isThere && this.#parts.get(one.client)?.isManager === true,
    );
    const isAnswered = answers.length === 0 || answers.some(({ isThere }) => isThere);
    return isAnswered && !isMissed ? "none" : "silent";
  }

  /** One that answers, but not what it is: without its quorum a manager takes longer for that than we wait. */
  #mayManage({ client }: EngineAnswer): boolean {
    const part = this.#parts.get(client);
    return part === undefined || part.isManager || part.state === "locked";
  }

  /** What the engine says of itself, remembered for when it is silent. */
  async #ask(client: SwarmEngine): Promise<EngineAnswer> {
    try {
      this.#parts.set(client, (await client.info()).swarm);
      this.#saidAt.set(client, this.#now());
      return { client, isThere: true, text: "" };
    } catch (error) {
      // A manager without its quorum may take longer for this than we wait.
      const isThere = await client.ping().then(
        () => true,
        () => false,
      );
      return { client, isThere, text: textOf(error) };
    }
  }

  #textOf({ client, isThere, text }: EngineAnswer, telling: Telling | undefined): string {
    const { host } = client;
    const part = this.#parts.get(client);
    if (!isThere) return text;
    if (telling?.kind === "picture") {
      const { reachable, managers } = telling.quorum;
      return `${host} reaches ${reachable} of ${managers} managers, itself included`;
    }
    if (part === undefined) {
      return `${host} lives and does not tell of its Swarm, as a manager without a quorum (${text})`;
    }
    const why = `${host} is a manager and does not tell: ${telling?.text ?? ""}`;
    if (part.isManager) return telling?.kind === "refused" ? why : `${why}, as without a quorum`;
    if (part.state === "locked") return `${host} is locked, and waits for docker swarm unlock`;
    if (part.state === "inactive") return `${host} is in no Swarm`;
    return part.state === "active"
      ? `${host} is a worker of a Swarm, which tells nothing`
      : `${host} is ${part.state} in its Swarm: ${part.error}`;
  }

  #places(): readonly EnginePlace[] {
    return this.#clients.map((client) => ({
      engine: client.host,
      nodeId: this.#parts.get(client)?.nodeId,
    }));
  }
}

interface EngineAnswer {
  readonly client: SwarmEngine;
  readonly isThere: boolean;
  /** Why it said nothing. */
  readonly text: string;
}

interface Picture {
  readonly kind: "picture";
  readonly view: SwarmView;
  readonly by: string;
  readonly quorum: Quorum;
}

/** `refused`: by a proxy, or by who is in between. */
type Telling = Picture | { readonly kind: "refused" | "failed"; readonly text: string };

async function tellingOf(client: SwarmEngine): Promise<Telling> {
  try {
    // The nodes first: who is no manager is not asked for the long lists.
    const nodes = (await client.swarmList("nodes")) as readonly RawNode[];
    const [services, tasks] = await Promise.all([
      client.swarmList("services") as Promise<readonly RawService[]>,
      client.swarmList("tasks") as Promise<readonly RawTask[]>,
    ]);
    const view = swarmViewOf({ nodes, services, tasks });
    return { kind: "picture", view, by: client.host, quorum: quorumOf(nodes) };
  } catch (error) {
    const isRefused = [401, 403, 404, 405].some((status) => hasStatus(error, status));
    return { kind: isRefused ? "refused" : "failed", text: textOf(error) };
  }
}

const isGood = (telling: Telling): telling is Picture =>
  telling.kind === "picture" && hasQuorum(telling.quorum);

/** The first that is good; undefined where none is. */
function firstOf<Value, Good extends Value>(
  asked: readonly Promise<Value>[],
  isGoodOne: (value: Value) => value is Good,
): Promise<Good | undefined> {
  return new Promise((resolve, reject) => {
    let open = asked.length;
    if (open === 0) resolve(undefined);
    for (const one of asked) {
      one.then((value) => {
        open--;
        if (isGoodOne(value)) resolve(value);
        else if (open === 0) resolve(undefined);
      }, reject);
    }
  });
}

/** Also of an answer that has not the shape of one. */
function textOf(error: unknown): string {
  if (isCodedError(error)) return error.detail;
  return error instanceof Error ? error.message : String(error);
}
