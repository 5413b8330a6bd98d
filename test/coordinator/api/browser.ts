// What a browser does for a page: keeps the cookie, shows it, and says where a request comes from.

import assert from "node:assert/strict";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import type { SessionView } from "../../../proto/rest.ts";
import { tokens } from "./scripted-plane.ts";

export const sessionPath = "/api/v1/session";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of ours, of which loopback has many. */
  readonly from?: string;
}

/** fetch would set Host and Sec-Fetch headers itself. */
export const ask = (url: string, asked: Asked = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = "GET", body, from } = asked;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...asked.headers,
    };
    const options = { method, headers, agent: false, localAddress: from ?? "127.0.0.1" };
    const isTls = url.startsWith("https:");
    const begin = isTls ? requestTls : request;
    // The tests' certificates are signed by nobody.
    const trusting = isTls ? { ...options, rejectUnauthorized: false } : options;
    const outgoing = begin(url, trusting, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const whole = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: whole });
      });
      answer.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });

export const showToken = (url: string, token: string, more: Asked = {}): Promise<Answer> =>
  ask(url + sessionPath, { method: "POST", body: { token }, ...more });

export interface SignedIn {
  /** `name=value`, as it is shown from then on. */
  readonly cookie: string;
  /** The whole of `Set-Cookie`. */
  readonly set: string;
  readonly view: SessionView;
}

/** @param who a role of the usual tokens, or a token */
export async function signIn(url: string, who: string): Promise<SignedIn> {
  const token = (tokens as Readonly<Record<string, string>>)[who] ?? who;
  const { status, headers, text } = await showToken(url, token);
  assert.equal(status, 200, text);
  const [set = ""] = headers["set-cookie"] ?? [];
  return { set, cookie: set.split(";")[0] ?? "", view: JSON.parse(text) as SessionView };
}

export async function sessionOf(url: string, cookie?: string): Promise<SessionView> {
  const headers = cookie === undefined ? {} : { cookie };
  const { status, text } = await ask(url + sessionPath, { headers });
  assert.equal(status, 200, text);
  return JSON.parse(text) as SessionView;
}

/** As our own page asks for a write. */
export const ofPage = ({ cookie, view }: SignedIn): Readonly<Record<string, string>> => ({
  cookie,
  "x-heartmesh-csrf": view.csrf,
});
