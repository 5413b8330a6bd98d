// Documents of the scripted plane: to begin with, a scaling policy of the one service, and a template.

import type { ScalingDocument } from "../../../coordinator/core/scaling/policy.ts";
import type { Documents } from "../../../coordinator/io/shelf.ts";

const scaling: ScalingDocument = {
  ...{ min: 1, max: 3, target: 0.6, cooldown: 30 },
  putAt: 1_700_000_000_000,
  by: "ops (c1)",
};

const template = {
  description: "a web server",
  text: "services:\n  web:\n    image: ${IMAGE}\n",
  parameters: [{ name: "IMAGE", description: "", default: null, required: true }],
  updatedAt: "2026-01-01T00:00:00Z",
  updatedBy: "ann (c1)",
};

export class ScriptedShelves {
  /** By kind, then name. */
  readonly kinds = new Map<string, Map<string, unknown>>([
    ["scaling", new Map([["web", scaling]])],
    ["templates", new Map([["web-1", template]])],
  ]);
  /** Documents put or removed. */
  written = 0;
  /** What is removed can be removed again. */
  isKept = false;
  readonly #answer: <Value>(value: Value) => Promise<Value>;

  constructor(answer: <Value>(value: Value) => Promise<Value>) {
    this.#answer = answer;
  }

  shelf<Document>(kind: string): Documents<Document> {
    const known = this.kinds.get(kind) ?? new Map<string, unknown>();
    this.kinds.set(kind, known);
    const documents = known as Map<string, Document>;
    return {
      list: () => this.#answer(new Map(documents)),
      get: (name) => this.#answer(documents.get(name)),
      put: (name, document) => {
        this.written++;
        return this.#answer(void documents.set(name, document));
      },
      remove: (name) => {
        this.written++;
        const isThere = documents.has(name);
        if (!this.isKept) documents.delete(name);
        return this.#answer(isThere);
      },
    };
  }
}
