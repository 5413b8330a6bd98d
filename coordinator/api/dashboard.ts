// The dashboard at `/`: static files that `npm run build` made. None of them tells anything, so anybody may have them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApiProblem } from "./problem.ts";

/** Its own files and the API: no inline script or style, no other host. Bull Board is framed. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Their names hold a hash of what is in them. */
const forEver = "public, max-age=31536000, immutable";

export function dashboardPlugin(app: FastifyInstance, folder = builtFolder()): void {
  const files = new Map<string, Buffer>();
  const names = new Set(folder === undefined ? [] : namesIn(folder));
  const read = (name: string): Buffer => {
    const known = files.get(name) ?? readFileSync(path.join(folder ?? "", name));
    files.set(name, known);
    return known;
  };

  const answer = (name: string, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const type = types[path.extname(name)];
    if (!names.has(name) || type === undefined) {
      throw new ApiProblem(404, `There is no file ${name.slice(0, 200)} of the dashboard.`);
    }
    const coding = codings.find(({ suffix, name: word }) => {
      return names.has(name + suffix) && accepts(request.headers["accept-encoding"], word);
    });
    if (coding !== undefined) reply.header("content-encoding", coding.name);
    return reply
      .type(type)
      .header("vary", "accept-encoding")
      .send(read(name + (coding?.suffix ?? "")));
  };

  const open = { config: { access: "open" as const }, schema: { hide: true } };
  app.get("/", open, (request, reply) => {
    if (names.size === 0) {
      throw new ApiProblem(503, "The dashboard is not built: npm run build makes it.");
    }
    reply.header("content-security-policy", policy).header("cache-control", "no-cache");
    return answer("index.html", request, reply);
  });
  app.get<{ Params: { file: string } }>("/assets/:file", open, (request, reply) => {
    reply.header("cache-control", forEver);
    return answer(`assets/${request.params.file}`, request, reply);
  });
}

/** The build has left both beside each file that is worth it; the smaller one first. */
const codings = [
  { name: "br", suffix: ".br" },
  { name: "gzip", suffix: ".gz" },
] as const;

const accepts = (header: string | string[] | undefined, coding: string): boolean =>
  new RegExp(`(^|,)\\s*${coding}\\s*(;\\s*q=(1|0\\.0*[1-9])[0-9.]*)?\\s*(,|$)`).test(
    String(header),
  );

/** Beside the built command line, or below the sources' root. */
function builtFolder(): string | undefined {
  return ["./dashboard/", "../../dist/dashboard/"]
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((place) => existsSync(path.join(place, "index.html")));
}

/** With `/` between folder and file. */
const namesIn = (folder: string): readonly string[] => [
  ...readdirSync(folder),
  ...readdirSync(path.join(folder, "assets")).map((name) => `assets/${name}`),
];
