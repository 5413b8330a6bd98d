// What an engine's JSON says, in the words of the core. Pure; tolerant of fields that an engine or a proxy leaves out.

import { constants } from "node:os";
import { isMovable } from "../core/migration/belongings.ts";
import type { ContainerState, ContainerView } from "../core/worker.ts";
import { belongingsOf } from "./belongings.ts";

/** The fields of `GET /containers/ID/json` that are read, or kept for a recreation. Older engines write null for what newer ones leave out. */
export interface RawInspection {
  readonly Id: string;
  readonly Name: string;
  /** The image's id. */
  readonly Image?: string;
  readonly RestartCount?: number;
  readonly State?: {
    readonly Status?: string;
    readonly ExitCode?: number;
    readonly StartedAt?: string;
    readonly Health?: { readonly Status?: string } | null;
  };
  readonly Config?: Readonly<Record<string, unknown>> & {
    readonly Hostname?: string;
    /** `SIGUSR1`, `USR1` or `10`; absent for SIGTERM. */
    readonly StopSignal?: string;
    readonly Image?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly Healthcheck?: {
      readonly StartPeriod?: number;
      readonly Test?: readonly string[];
    } | null;
  };
  readonly HostConfig?: Readonly<Record<string, unknown>> & {
    readonly NetworkMode?: string;
    readonly PidMode?: string;
    readonly IpcMode?: string;
    readonly Binds?: readonly string[] | null;
    readonly Mounts?:
      | readonly {
          readonly Type?: string;
          readonly Source?: string;
          readonly Target?: string;
          readonly VolumeOptions?: {
            readonly DriverConfig?: {
              readonly Options?: Readonly<Record<string, string>> | null;
            } | null;
          } | null;
        }[]
      | null;
    readonly RestartPolicy?: {
      readonly Name?: string;
      readonly MaximumRetryCount?: number;
    } | null;
  };
  readonly Mounts?: readonly RawMount[] | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, RawEndpoint>> | null };
}

export interface RawMount {
  readonly Type?: string;
  readonly Name?: string;
  /** Of a bind mount its path on the host. */
  readonly Source?: string;
  readonly Driver?: string;
  readonly Destination?: string;
  readonly RW?: boolean;
}

export interface RawEndpoint {
  readonly IPAMConfig?: Readonly<Record<string, unknown>> | null;
  readonly Links?: readonly string[] | null;
  readonly Aliases?: readonly string[] | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number;
  readonly NetworkID?: string;
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

/** One line of `GET /containers/json?all=1`. */
export interface RawSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly HostConfig?: { readonly NetworkMode?: string };
}

export function viewOf(host: string, raw: RawInspection): ContainerView {
  const policy = raw.HostConfig?.RestartPolicy;
  return {
    host,
    id: raw.Id,
    name: nameOf(raw.Name),
    labels: raw.Config?.Labels ?? {},
    state: stateOf(raw.State?.Status),
    startedAt: instantOf(raw.State?.StartedAt),
    exitCode: raw.State?.ExitCode ?? 0,
    health: healthOf(raw),
    restartPolicy: policyOf(policy?.Name),
    maximumRetries: policy?.MaximumRetryCount ?? 0,
    restartCount: raw.RestartCount ?? 0,
    networkMode: networkModeOf(raw.HostConfig?.NetworkMode),
    pidMode: raw.HostConfig?.PidMode ?? "",
    addresses: addressesOf(raw),
    hostname: raw.Config?.Hostname ?? "",
    ...stopSignalOf(raw.Config?.StopSignal),
    imageStartPeriod: Math.round((raw.Config?.Healthcheck?.StartPeriod ?? 0) / 1e6),
    ...(isMovable(raw.Config?.Labels ?? {}) ? { belongings: belongingsOf(raw) } : {}),
  };
}

/** Without it, `docker stop` of an image that stops by another signal than SIGTERM would look like a crash. */
function stopSignalOf(text: string | undefined): { readonly stopSignal?: number } {
  if (text === undefined || text === "") return {};
  const number = Number(text);
  const named = Object.entries(constants.signals).find(
    ([name]) => name === text || name === `SIG${text}`,
  )?.[1];
  const signal = Number.isInteger(number) ? number : named;
  return signal === undefined ? {} : { stopSignal: signal };
}

/** The engine writes names with a leading slash; a summary's first one without a link's second slash is the container's own. */
export const nameOf = (name: string): string => name.replace(/^\//, "");

/** Before API 1.44 the default bridge is called `default`. */
export const networkModeOf = (mode: string | undefined): string =>
  mode === undefined || mode === "" || mode === "default" ? "bridge" : mode;

const states: readonly ContainerState[] = [
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead",
];

const stateOf = (status: string | undefined): ContainerState =>
  states.find((state) => state === status) ?? "dead";

/** The engine's zero time means never. */
const instantOf = (text: string | undefined): string =>
  text === undefined || text.startsWith("0001-01-01") ? "" : text;

function healthOf(raw: RawInspection): ContainerView["health"] {
  const status = raw.State?.Health?.Status;
  return status === "starting" || status === "healthy" || status === "unhealthy" ? status : "none";
}

function policyOf(name: string | undefined): ContainerView["restartPolicy"] {
  return name === "always" || name === "unless-stopped" || name === "on-failure" ? name : "no";
}

function addressesOf(raw: RawInspection): readonly string[] {
  return Object.values(raw.NetworkSettings?.Networks ?? {})
    .flatMap((endpoint) => [endpoint.IPAddress, endpoint.GlobalIPv6Address])
    .filter((address): address is string => address !== undefined && address !== "");
}
