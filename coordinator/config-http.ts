// The variables of the HTTP server: where it listens, who may ask, where the others answer. Pure.

import type { NamedAddress } from "../proto/config-parse.ts";
import type { CoordinatorId } from "../proto/units.ts";
import { parseTokens } from "./api/tokens.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { ConfigReader } from "./config-reader.ts";
import { isLoopback, parseOrigins, parseUrls } from "./config-shapes.ts";

export function readHttp(
  reader: ConfigReader,
  coordinators: readonly NamedAddress[],
): CoordinatorConfig["http"] {
  const tokens = reader.secret("API_TOKENS", (text) => {
    const parsed = parseTokens(text);
    return parsed.ok ? undefined : parsed.detail;
  });
  const withTokens = reader.isGiven("API_TOKENS");
  const chosen = reader.isSet("HTTP_HOST");
  const host = withTokens && !chosen ? "0.0.0.0" : (reader.text("HTTP_HOST") ?? "127.0.0.1");
  reader.effective.set("HTTP_HOST", host);
  if (!withTokens && !isLoopback(host)) {
    reader.problems.push(
      `HTTP_HOST: ${host} is beyond loopback and needs API_TOKENS (role:token); or set HTTP_HOST=127.0.0.1`,
    );
  }
  const port = reader.port("HTTP_PORT");
  const checkPort = reader.isSet("CHECK_PORT") ? reader.port("CHECK_PORT") : undefined;
  if (checkPort === port) reader.problems.push(`CHECK_PORT: ${port} is HTTP_PORT; choose another`);
  const certFile = reader.file("HTTP_TLS_CERT");
  const keyFile = reader.file("HTTP_TLS_KEY");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    reader.problems.push("HTTP_TLS_CERT and HTTP_TLS_KEY go together; one of them is missing");
  }
  const tls = certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
  const given = reader.shaped("COORDINATOR_URLS", {}, parseUrls);
  const scheme = tls === undefined ? "http" : "https";
  const urlOf = (id: CoordinatorId, at: string): string =>
    given[id] ?? `${scheme}://${at.includes(":") ? `[${at}]` : at}:${port}`;
  for (const name of Object.keys(given)) {
    if (coordinators.some((one) => one.name === name)) continue;
    reader.warnings.push(
      `COORDINATOR_URLS: ${name} does not stand in COORDINATORS; that is right for one that is added later`,
    );
  }
  const origins = reader.shaped("CORS_ORIGINS", [], parseOrigins);
  const metricsOpen = reader.flag("METRICS_OPEN");
  return { host, port, checkPort, tls, tokens, metricsOpen, origins, urlOf };
}
