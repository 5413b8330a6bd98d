// Reads a stream of server-sent events as a browser would.

export interface Message {
  readonly id: string;
  readonly kind: string;
  readonly data: string;
}

/** Ends where the server or an abort ends it; comments, which keep it open, are left out. */
export async function* messagesOf(answer: Response): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = fieldOf(block, "data");
        if (data === undefined) continue;
        yield { id: fieldOf(block, "id") ?? "", kind: fieldOf(block, "event") ?? "", data };
      }
    }
  } catch {
    // Aborted by us, or cut by the server: the end either way.
  }
}

const fieldOf = (block: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
