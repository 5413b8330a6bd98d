// What every coordinator tells for itself, asked by the one that answers: of all at once, each in bounded time, one step far.

import type { FastifyRequest } from "fastify";
import type { ApiContext } from "../context.ts";

/** For one's whole answer, unless it has more to do. ms */
const patience = 1_000;

export type Told<View> =
  { readonly ok: true; readonly view: View } | { readonly ok: false; readonly text: string };

export interface Other<View> {
  readonly id: string;
  readonly url: string;
  readonly told: Told<View>;
}

/** In the order of the set, the answering one included. Never rejects for another's sake. */
export function askAll<View>(
  context: ApiContext,
  request: FastifyRequest,
  path: string,
  own: () => View,
): Promise<readonly Other<View>[]> {
  return Promise.all(
    context.plane.members().map(async ({ id, url }) => {
      if (id === context.id) return { id, url, told: { ok: true, view: own() } as const };
      return { id, url, told: await askOne<View>(context, request, url, path) };
    }),
  );
}

/** Never rejects. */
export async function askOne<View>(
  { forwarder }: ApiContext,
  request: FastifyRequest,
  url: string,
  path: string,
  within: number = patience,
): Promise<Told<View>> {
  try {
    const { status, text } = await forwarder.read(request, url, path, within);
    if (status !== 200) return { ok: false, text: `it answered ${status}` };
    return { ok: true, view: JSON.parse(text) as View };
  } catch (error) {
    const why = error instanceof SyntaxError ? "its answer is no JSON" : messageOf(error);
    return { ok: false, text: why };
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
