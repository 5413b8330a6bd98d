// Which MAC authenticates datagrams: candidates measured on the sizes of a PING and of a heartbeat.
//
// SipHash is not among them: its tag has 8 bytes, and in JavaScript its 64-bit arithmetic needs BigInt or pairs.
// Poly1305 is measured as ChaCha20-Poly1305 with nothing to encrypt, since node:crypto has it in no other form.

import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import { createMac } from "../../proto/mac.ts";
import { printJson, printTable, summarize, type BenchResult } from "./report.ts";

export async function benchMac(options: { readonly short: boolean }): Promise<BenchResult[]> {
  const candidates = await buildCandidates();
  const rounds = options.short ? 5 : 30;
  const calls = options.short ? 2000 : 20_000;
  const results: BenchResult[] = [];
  for (const size of [64, 300]) {
    const samples = candidates.map((): number[] => []);
    for (const mac of candidates) measure(mac, size, calls); // compiled before it is measured
    // Interleaved, so that a busy moment of the machine hits all of them.
    for (let round = 0; round < rounds; round++) {
      candidates.forEach((mac, i) => samples[i]?.push(measure(mac, size, calls)));
    }
    candidates.forEach(({ name }, i) => {
      results.push(summarize(`${name}, ${size} B`, samples[i] ?? [], "µs"));
    });
  }
  return results;
}

interface Candidate {
  readonly name: string;
  readonly digest: (message: Uint8Array) => Uint8Array;
}

async function buildCandidates(): Promise<readonly Candidate[]> {
  const key = randomBytes(32);
  const shortKey = key.subarray(0, 16);
  const nonce = Buffer.alloc(12);
  let sequence = 0;
  const nextNonce = (): Buffer => {
    nonce.writeUInt32BE(++sequence);
    return nonce;
  };
  const blake3 = await createMac();
  return [
    { name: "keyed BLAKE3 (hash-wasm)", digest: (message) => blake3.digest(key, message) },
    {
      name: "HMAC-SHA256 (node:crypto)",
      digest: (message) => createHmac("sha256", key).update(message).digest(),
    },
    {
      name: "AES-128-GMAC (node:crypto)",
      digest: (message) => {
        const cipher = createCipheriv("aes-128-gcm", shortKey, nextNonce()).setAAD(message);
        cipher.final();
        return cipher.getAuthTag();
      },
    },
    {
      name: "ChaCha20-Poly1305 (node:crypto)",
      digest: (message) => {
        const options = { authTagLength: 16 };
        const cipher = createCipheriv("chacha20-poly1305", key, nextNonce(), options);
        cipher.setAAD(message, { plaintextLength: 0 });
        cipher.final();
        return cipher.getAuthTag();
      },
    },
  ];
}

/** Mean microseconds of a call. */
function measure(candidate: Candidate, size: number, calls: number): number {
  const message = randomBytes(size);
  let seen = 0;
  const begun = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) {
    message.writeUInt32BE(i);
    seen |= candidate.digest(message)[0] ?? 0;
  }
  const took = Number(process.hrtime.bigint() - begun) / 1000 / calls;
  // Reading a byte of every MAC keeps the calls from being optimised away.
  return seen < 0 ? 0 : took;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await benchMac({ short: process.argv.includes("--short") });
  printTable(results);
  if (process.argv.includes("--json")) printJson("mac", results);
}
