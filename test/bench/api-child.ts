// One side of the benchmark of reads, as a process of its own: `bare <port> <JSON>` is a Fastify route that answers with this object,
// `ask <port> <ms> <tokens>` asks for /api/v1/status over sixteen connections and prints how many answers a second came.

import { connect } from "node:net";
import Fastify from "fastify";

const [role, port = "0", ...rest] = process.argv.slice(2);
if (role === "bare") await serve(Number(port), JSON.parse(rest[0] ?? "") as object);
else await ask(Number(port), Number(rest[0]), (rest[1] ?? "").split(","));

async function serve(port: number, status: object): Promise<void> {
  const app = Fastify();
  app.get("/api/v1/status", () => status);
  await app.listen({ host: "127.0.0.1", port });
  console.log("listening");
}

async function ask(port: number, duration: number, tokens: readonly string[]): Promise<void> {
  const begun = performance.now();
  const end = begun + duration;
  const asking = Array.from({ length: 16 }, (_, at) => askInTurn(port, end, tokens, at));
  const answered = (await Promise.all(asking)).reduce((sum, one) => sum + one, 0);
  console.log((answered / (performance.now() - begun)) * 1000);
  process.exit(0);
}

/** One connection, one request at a time; how many were answered with 200. Rejects for another status. */
function askInTurn(
  port: number,
  end: number,
  tokens: readonly string[],
  first: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    let answered = 0;
    let unread = "";
    const next = (): void => {
      const token = tokens[(first + answered * 16) % tokens.length] ?? "";
      socket.write(
        `GET /api/v1/status HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`,
      );
    };
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("connect", next);
    socket.on("data", (text: string) => {
      unread += text;
      const head = unread.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(unread)?.[1]);
      if (unread.length < head + 4 + length) return;
      if (!unread.startsWith("HTTP/1.1 200 ")) {
        reject(new Error(unread.slice(0, 200)));
        return;
      }
      unread = "";
      answered++;
      if (performance.now() < end) next();
      else {
        socket.destroy();
        resolve(answered);
      }
    });
  });
}
