// Whether the names of the coordinators have addresses.

import { lookup } from "node:dns/promises";
import { inTime } from "../io/in-time.ts";
import { symptom, type Symptom } from "./ailments.ts";

const patience = 3_000;

/** Never rejects. */
export async function ofNames(
  members: readonly { readonly name: string; readonly host: string }[],
): Promise<readonly Symptom[]> {
  const found = await Promise.all(
    members.map(async ({ name, host }) => {
      try {
        await inTime(patience, () => lookup(host));
        return [];
      } catch (error) {
        const text = `${host}, where ${name} should be, has no address: ${(error as Error).message}.`;
        return [symptom("name-unresolved", name, text)];
      }
    }),
  );
  return found.flat();
}
