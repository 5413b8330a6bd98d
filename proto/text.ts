// Names and reasons as they may travel: bounded in bytes, printable in a log, the same after a round trip.

import { limits } from "./limits.ts";

/** Whether this may be the name of an agent, a coordinator, a worker or a cluster: 1 to `limits.nameBytes` bytes, no control characters. */
export function isName(text: string): boolean {
  return text !== "" && isTextWithin(text, limits.nameBytes);
}

/** Whether `text` is well-formed, without control characters or byte order marks, and at most `bytes` long in UTF-8. */
export function isTextWithin(text: string, bytes: number): boolean {
  if (text.length > bytes) return false;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isUnprintable(unit)) return false;
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else {
      const next = unit < 0xdc00 ? text.charCodeAt(i + 1) : NaN;
      if (!(next >= 0xdc00 && next <= 0xdfff)) return false;
      length += 4;
      i++;
    }
  }
  return length <= bytes;
}

/** A reason as it may travel: what cannot be printed is replaced, and it is cut at a character's boundary to `limits.reasonBytes`. */
export function toReason(text: string): string {
  if (isTextWithin(text, limits.reasonBytes)) return text;
  let reason = "";
  let room = limits.reasonBytes;
  for (const character of text) {
    const clean = cleanCharacter(character);
    room -= utf8Bytes(clean.codePointAt(0) ?? 0);
    if (room < 0) break;
    reason += clean;
  }
  return reason;
}

/** `character` is one code point, which may be half of a pair. */
function cleanCharacter(character: string): string {
  const unit = character.charCodeAt(0);
  if (isUnprintable(unit)) return " ";
  return character.length === 1 && unit >= 0xd800 && unit <= 0xdfff ? "\ufffd" : character;
}

function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Control characters break logs; a byte order mark is swallowed by decoders. */
const isUnprintable = (unit: number): boolean =>
  unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || unit === 0xfeff;
