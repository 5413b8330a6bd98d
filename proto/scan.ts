// Walks MessagePack bytes without building anything, so that the unpacker only ever sees a small, complete,
// plain structure: arrays, strings, numbers, booleans and nil. Everything else that MessagePack and its
// extensions could ask for (maps, binaries, records, dates, 64-bit integers) is refused here, before it costs memory.

/** Nesting of arrays; deeper is refused. The deepest message has four levels; the rest is for later fields. */
const deepest = 8;

/**
 * Whether `bytes` are exactly one plain value. Linear in `bytes.length`, no allocation beyond `deepest` numbers.
 * Every element of an accepted array is present, so the structure has at most `bytes.length` elements in all.
 */
export function isPlainValue(bytes: Uint8Array): boolean {
  const open: number[] = [];
  let remaining = 1;
  let at = 0;
  for (;;) {
    while (remaining === 0) {
      const outer = open.pop();
      if (outer === undefined) return at === bytes.length;
      remaining = outer;
    }
    const token = bytes[at];
    if (token === undefined) return false;
    remaining--;
    const elements = arrayElements(bytes, at, token);
    if (elements < 0) {
      at += scalarBytes(bytes, at, token);
      if (at > bytes.length) return false;
    } else {
      at += token === 0xdc ? 3 : 1;
      if (elements > bytes.length - at || open.length === deepest) return false;
      open.push(remaining);
      remaining = elements;
    }
  }
}

/** Elements of the array that begins here; -1 where none does. */
function arrayElements(bytes: Uint8Array, at: number, token: number): number {
  if (token >= 0x90 && token <= 0x9f) return token & 0x0f;
  if (token === 0xdc) return uint16(bytes, at + 1);
  return -1;
}

/** Bytes of the scalar that begins here, its token included; infinite for what is refused. */
function scalarBytes(bytes: Uint8Array, at: number, token: number): number {
  if (token <= 0x7f || token >= 0xe0) return 1;
  if (token >= 0xa0 && token <= 0xbf) return 1 + (token & 0x1f);
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return 1;
    case 0xcc: // unsigned and signed 8 bits
    case 0xd0:
      return 2;
    case 0xcd: // unsigned and signed 16 bits
    case 0xd1:
      return 3;
    case 0xca: // 32-bit float, unsigned and signed 32 bits
    case 0xce:
    case 0xd2:
      return 5;
    case 0xcb: // 64-bit float
      return 9;
    case 0xd9: // string with an 8-bit length
      return 2 + (bytes[at + 1] ?? Infinity);
    case 0xda: // string with a 16-bit length
      return 3 + uint16(bytes, at + 1);
    default:
      return Infinity;
  }
}

/** Infinite where the bytes end before. */
function uint16(bytes: Uint8Array, at: number): number {
  const high = bytes[at];
  const low = bytes[at + 1];
  return high === undefined || low === undefined ? Infinity : high * 256 + low;
}
