// A reporter of node:test: the file of each test that failed, a line each. Plain JavaScript, since node itself loads it.

/** @param {AsyncIterable<{ type: string, data: { file?: string } }>} events */
export default async function* failedFiles(events) {
  for await (const { type, data } of events) {
    if (type === "test:fail") yield `${data.file ?? "unknown"}\n`;
  }
}
