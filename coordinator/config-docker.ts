// The variables of Docker engines: those that are watched, and the Swarms that the API manages beside. Pure.

import path from "node:path";
import type { CoordinatorConfig } from "./config.ts";
import type { ConfigReader } from "./config-reader.ts";
import { endpointText, parseEngines, parseSwarms, type SwarmSpec } from "./docker/endpoints.ts";

export function readDocker(reader: ConfigReader): CoordinatorConfig["docker"] {
  const hosts = reader.text("DOCKER_HOST");
  const writes = reader.text("DOCKER_WRITE_HOST");
  const isTls = reader.text("DOCKER_TLS_VERIFY") !== undefined;
  const swarmsPath = reader.text("SWARMS_CERT_PATH");
  const certPath = readCertPath(reader, isTls, swarmsPath !== undefined && hosts === "none");
  const swarms = readSwarms(reader, certPath, isTls ? swarmsPath : undefined);
  if (swarmsPath !== undefined && !isTls) {
    reader.warnings.push("SWARMS_CERT_PATH has no effect without DOCKER_TLS_VERIFY=1");
  }
  if (hosts === "none") return { engines: [], swarms };
  const engines = parseEngines({
    DOCKER_HOST: hosts,
    DOCKER_WRITE_HOST: writes,
    DOCKER_CERT_PATH: certPath,
  });
  if (engines.ok) return { engines: engines.value, swarms };
  reader.problems.push(...engines.problems);
  return { engines: [], swarms };
}

/** The directory of ca.pem, cert.pem and key.pem, where TLS is asked for. */
function readCertPath(
  reader: ConfigReader,
  isTls: boolean,
  isElsewhere: boolean,
): string | undefined {
  const certPath = reader.text("DOCKER_CERT_PATH");
  if (!isTls) {
    if (certPath !== undefined) {
      reader.warnings.push("DOCKER_CERT_PATH has no effect without DOCKER_TLS_VERIFY=1");
    }
    return undefined;
  }
  if (certPath === undefined) {
    if (isElsewhere) return undefined;
    reader.problems.push("DOCKER_TLS_VERIFY needs DOCKER_CERT_PATH: the directory of ca.pem, …");
    return undefined;
  }
  checkFiles(reader, "DOCKER_CERT_PATH", certPath);
  return certPath;
}

function readSwarms(
  reader: ConfigReader,
  certPath: string | undefined,
  swarmsPath: string | undefined,
): readonly SwarmSpec[] {
  const given = reader.secret("SWARMS");
  if (given === undefined) return [];
  const parsed = parseSwarms({
    SWARMS: given.text,
    DOCKER_CERT_PATH: certPath,
    SWARMS_CERT_PATH: swarmsPath,
  });
  if (!parsed.ok) {
    reader.problems.push(...parsed.problems);
    return [];
  }
  reader.effective.set("SWARMS", parsed.value.map(described).join(","));
  for (const { name, engines } of parsed.value) {
    const isByTls = engines.some(({ read }) => read.kind === "tcp" && read.tls !== undefined);
    if (isByTls && swarmsPath !== undefined) {
      checkFiles(reader, "SWARMS_CERT_PATH", path.join(swarmsPath, name));
    }
  }
  return parsed.value;
}

const described = ({ name, engines }: SwarmSpec): string =>
  `${name}=${engines.map(({ read }) => endpointText(read)).join(" ")}`;

function checkFiles(
  reader: ConfigReader,
  variable: "DOCKER_CERT_PATH" | "SWARMS_CERT_PATH",
  folder: string,
): void {
  for (const file of ["ca.pem", "cert.pem", "key.pem"]) {
    if (reader.isReadable(`${folder}/${file}`)) continue;
    reader.problems.push(`${variable}: ${folder}/${file} cannot be read`);
  }
}
