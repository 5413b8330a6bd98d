// What the configuration leaves open: keys, tokens, channels. Pure.

import type { CoordinatorConfig } from "../config.ts";
import { symptom, type Symptom } from "./ailments.ts";

export function ofSettings(config: CoordinatorConfig): readonly Symptom[] {
  const { mesh, http, notify, faultInjection } = config;
  const found: Symptom[] = [];
  if (mesh.key === undefined) {
    found.push(symptom("mesh-insecure", "MESH_KEY", "MESH_KEY is not given."));
  }
  if (http.tokens === undefined) {
    found.push(symptom("tokens-missing", "API_TOKENS", "API_TOKENS is not given."));
  }
  if ((notify.slackUrl ?? notify.webhook ?? notify.mail) === undefined) {
    const text = "No channel of notifications is given.";
    found.push(symptom("channels-missing", "notifications", text));
  }
  if (notify.deadmanUrl === undefined) {
    found.push(symptom("deadman-missing", "DEADMAN_URL", "DEADMAN_URL is not given."));
  }
  if (notify.webhook !== undefined && notify.webhook.secret === undefined) {
    const text = "WEBHOOK_URL is given without WEBHOOK_SECRET.";
    found.push(symptom("webhook-unsigned", "WEBHOOK_SECRET", text));
  }
  if (faultInjection) {
    found.push(symptom("faults-allowed", "FAULT_INJECTION", "FAULT_INJECTION is on."));
  }
  return found;
}
