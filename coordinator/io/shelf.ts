// Documents that people gave us, such as templates and policies: in Redis, one hash for each kind, kept until somebody removes them.

import type { Redis } from "ioredis";
import { limits } from "../../proto/limits.ts";

/** Of one kind, by name. Every method rejects while Redis is away. */
export interface Documents<Document> {
  /** In the order of names. */
  list(): Promise<ReadonlyMap<string, Document>>;
  get(name: string): Promise<Document | undefined>;
  /** Replaces the one of that name. Throws `ShelfFull` where it would be one too many. */
  put(name: string, document: Document): Promise<void>;
  /** @returns whether there was one */
  remove(name: string): Promise<boolean>;
}

export class ShelfFull extends Error {
  /** @param message what is full, for a person */
  constructor(message: string) {
    super(message);
    this.name = "ShelfFull";
  }
}

/** Takes a document unless it would be one more than the bound. Keys: the hash. Arguments: name, text, bound. */
const putScript = `
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 and redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return 1`;

export class Shelf<Document> implements Documents<Document> {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #kind: string;

  /**
   * @param ask.redis a producer's connection; the caller's to close
   * @param ask.key names of the record's keys (`Keys.record`)
   * @param ask.kind what the documents are, in plural: `templates`
   */
  constructor(ask: {
    readonly redis: Redis;
    readonly key: (part: string) => string;
    readonly kind: string;
  }) {
    this.#redis = ask.redis;
    this.#key = ask.key(`shelf:${ask.kind}`);
    this.#kind = ask.kind;
  }

  async list(): Promise<ReadonlyMap<string, Document>> {
    const all = Object.entries(await this.#redis.hgetall(this.#key));
    all.sort(([a], [b]) => a.localeCompare(b));
    return new Map(all.map(([name, text]) => [name, JSON.parse(text) as Document]));
  }

  async get(name: string): Promise<Document | undefined> {
    const text = await this.#redis.hget(this.#key, name);
    return text === null ? undefined : (JSON.parse(text) as Document);
  }

  async put(name: string, document: Document): Promise<void> {
    const most = limits.documents;
    const text = JSON.stringify(document);
    const taken = await this.#redis.eval(putScript, 1, this.#key, name, text, most);
    if (taken === 0) throw new ShelfFull(`There are ${most} ${this.#kind} already; remove one.`);
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#redis.hdel(this.#key, name)) > 0;
  }
}
