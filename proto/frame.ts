// How a datagram is laid out: a clear header, the encoded message, and a MAC over both.
//
//   offset  bytes  what
//   0       1      version of the frame
//   1       4      key id: which key of the ring made the MAC
//   5       4      cluster hash: whose datagram it is
//   9       8      boot id of the sender's process
//   17      6      sequence, counted up by that process from 1
//   23      n      the encoded message
//   23 + n  16     MAC over everything before it

import { limits } from "./limits.ts";

export const frameVersion = 1;
export const keyIdAt = 1;
export const clusterAt = 5;
export const bootAt = 9;
export const sequenceAt = 17;
export const payloadAt = 23;
export const macBytes = 16;

/** The most bytes that an encoded message may have, so that its datagram is within `limits.datagramBytes`. */
export const payloadBytes = limits.datagramBytes - payloadAt - macBytes;
