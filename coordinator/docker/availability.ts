// Empties a node of the Swarm, or gives it work again, by whichever configured engine is a manager that takes it.

import { isCoded, isCodedError, type CodedError } from "../../proto/coded-error.ts";
import { coded } from "../errors.ts";
import type { EngineClient } from "./engines.ts";
import { inSequence } from "./out-of-sequence.ts";
import type { RawNode } from "./swarm-views.ts";

/** What a person may ask for; `pause` is the third that there is. */
export type Availability = "active" | "drain";

/** The calls that are made. */
export type NodeEngine = Pick<EngineClient, "host" | "swarmList" | "updateNode">;

export interface Switched {
  /** As it was right before. */
  readonly before: string;
  /** The engine that took it. */
  readonly by: string;
}

type VersionedNode = RawNode & { readonly Version?: { readonly Index?: number } };

export class NodeSwitch {
  readonly #clients: readonly NodeEngine[];

  constructor(clients: readonly NodeEngine[]) {
    this.#clients = clients;
  }

  /**
   * Does nothing where it is so already. Throws HM_ENGINE_UNAVAILABLE or HM_ENGINE_REFUSED, of the engine asked last, where none takes it.
   * @param node its id
   * @param first the engine that is asked first
   */
  async set(node: string, wanted: Availability, first: string): Promise<Switched> {
    const inTurn = this.#clients.toSorted(
      (a, b) => Number(b.host === first) - Number(a.host === first),
    );
    let failure: CodedError = coded("HM_SWARM_NONE", "no engine is configured");
    for (const client of inTurn) {
      try {
        return { before: await setAvailability(client, node, wanted), by: client.host };
      } catch (error) {
        if (!isCodedError(error)) throw error;
        failure = moreTelling(failure, error);
      }
    }
    throw failure;
  }
}

/** By this manager; does nothing where it is so already. @returns as it was before */
export async function setAvailability(
  client: NodeEngine,
  id: string,
  wanted: Availability | "pause",
): Promise<string> {
  return await inSequence(async () => {
    const nodes = (await client.swarmList("nodes")) as readonly VersionedNode[];
    const node = nodes.find(({ ID }) => ID === id);
    if (node === undefined) throw coded("HM_ENGINE_REFUSED", `${client.host} knows no node ${id}`);
    const before = node.Spec?.Availability ?? "active";
    if (before === wanted) return before;
    // All of its specification: what is left out is removed, its labels among it.
    const spec = { ...node.Spec, Availability: wanted };
    await client.updateNode(id, node.Version?.Index ?? 0, spec);
    return before;
  });
}

/** A manager's no says more than that of an engine which is none, or is away. */
const moreTelling = (known: CodedError, error: CodedError): CodedError =>
  isCoded(known, "HM_ENGINE_REFUSED") ? known : error;
