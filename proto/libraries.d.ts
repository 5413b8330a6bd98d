// Types of the two entries that libraries have but do not describe: the ones that cost an agent the least memory.

declare module "msgpackr/pack" {
  export class Packr {
    constructor(options: { readonly useRecords: boolean });
    /** The bytes are the caller's: later packing does not touch them. */
    pack(value: unknown): Uint8Array;
  }
  export class Unpackr {
    constructor(options: { readonly useRecords: boolean });
    /** Reads the first `length` bytes, all where not given. Throws where they are no MessagePack. */
    unpack(bytes: Uint8Array, length?: number): unknown;
  }
}

declare module "hash-wasm/dist/blake3.umd.min.js" {
  interface Hasher {
    init(): Hasher;
    update(bytes: Uint8Array): Hasher;
    digest(form: "binary"): Uint8Array;
  }
  const blake3: {
    /** The hasher keeps `key` itself, not a copy, and reads it again at each `init`. */
    createBLAKE3(bits: number, key: Uint8Array): Promise<Hasher>;
  };
  export default blake3;
}
