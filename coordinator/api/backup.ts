// What people gave and what is held against workers, as one file; and back, into an empty system or another one.

import { isDeepStrictEqual } from "node:util";
import type { FastifyInstance } from "fastify";
import type { Backup, RestoreView } from "../../proto/backup.ts";
import { limits } from "../../proto/limits.ts";
import { isName, toReason } from "../../proto/text.ts";
import type { Duration } from "../../proto/units.ts";
import type { Marks } from "../core/marks.ts";
import { atLeader } from "./at-leader.ts";
import { backupKinds, documentFaults, keptOf } from "./backup-kinds.ts";
import { backupRequests } from "./backup-schemas.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import type { ControlPlane } from "./plane.ts";
import { ApiProblem } from "./problem.ts";
import { fromRecord } from "./record-read.ts";
import { ref } from "./schema-words.ts";
import { answers, good } from "./schemas.ts";

const admin = "admin" as const;
/** For a thousand documents of each kind. */
const forwardFor = 30_000;
const longestSilence: Duration = 30 * 86_400_000;
/** The instants of a backup are those of a moment. */
const sameInstant: Duration = 5_000;
/** Faults and conflicts that are named; of more, how many there are. */
const namedAtMost = 20;

export function backupPlugin(app: FastifyInstance, context: ApiContext): void {
  app.get(
    "/api/v1/backup",
    {
      config: { access: admin },
      schema: {
        tags: ["backup"],
        summary: "Templates, scaling policies, clusters, silences and quarantines, to be kept",
        response: answers({ 200: good(ref("Backup"), "The backup", examples.backup) }, 503),
      },
    },
    () => take(context),
  );

  app.post<{ Body: Backup; Querystring: { replace: boolean } }>(
    "/api/v1/restore",
    {
      bodyLimit: limits.backupBytes,
      config: { access: admin, forwardFor },
      schema: {
        tags: ["backup"],
        summary: "Put back what a backup holds",
        description:
          "Looked through as a whole before anything is written; what is there and differs is named and kept, unless `replace` says otherwise. Said again after a failure, it goes on.",
        querystring: backupRequests.restore,
        body: backupRequests.backup,
        response: answers(
          { 200: good(ref("Restore"), "Restored, by the leader", examples.restored) },
          ...[400, 409, 413, 415, 502, 503, 504],
        ),
      },
    },
    (request, reply) =>
      atLeader(context, request, reply, (by) =>
        restore(context.plane, request.body, request.query.replace, by),
      ),
  );
}

async function take({ plane, cluster }: ApiContext): Promise<Backup> {
  const now = Date.now();
  const [documents, { silences, quarantines }] = await Promise.all([
    documentsNow(plane),
    fromShelves(() => plane.marks()),
  ]);
  const iso = (at: number): string => new Date(at).toISOString();
  return {
    version: 1,
    cluster,
    at: iso(now),
    documents,
    silences: silences.map((one) => ({
      worker: one.worker,
      until: iso(now + one.for),
      reason: one.reason,
    })),
    quarantines: quarantines.map(({ worker, ago }) => ({ worker, since: iso(now - ago) })),
  };
}

async function restore(
  plane: ControlPlane,
  backup: Backup,
  replaces: boolean,
  by: string,
): Promise<RestoreView> {
  const now = Date.now();
  refuseFaults(backup);
  const [present, marks] = await Promise.all([
    documentsNow(plane),
    fromShelves(() => plane.marks()),
  ]);
  const documents = newDocuments(backup, present);
  const wanted = newMarks(backup, marks, now);
  const conflicts = [
    ...documents.filter(({ isThere }) => isThere).map(({ kind, name }) => `${kind} ${name}`),
    ...wanted.silences
      .filter(({ worker }) => marks.silences.some((one) => one.worker === worker))
      .map(({ worker }) => `silence of ${worker}`),
  ];
  if (conflicts.length > 0 && !replaces) {
    const what = `There is already another ${listed(conflicts)}`;
    throw new ApiProblem(409, `${what}. Nothing was restored; --replace (?replace=true) does so.`);
  }
  refuseClusters(documents);
  refuseTooMany(documents, present);
  await fromShelves(async () => {
    for (const { kind, name, document } of documents) await keptOf(plane, kind).put(name, document);
  }, 20_000);
  const counts = {
    documents: documents.length,
    silences: wanted.silences.length,
    quarantines: wanted.quarantines.length,
    unchanged: countOf(backup) - documents.length - countOfMarks(wanted) - wanted.passed,
    passed: wanted.passed,
  };
  const text = `restored a backup of ${backup.cluster}, taken at ${backup.at}: ${counts.documents} documents, ${counts.silences} silences, ${counts.quarantines} quarantines`;
  plane.restore(wanted, text, by);
  return { text, ...counts };
}

function refuseFaults(backup: Backup): void {
  const faults = [...documentFaults(backup.documents)];
  if (!isInstant(backup.at)) faults.push(`at: "${backup.at}" is no instant`);
  for (const { worker, until } of backup.silences) {
    if (!isName(worker)) faults.push(`silence of ${worker}: this is no worker's id`);
    if (!isInstant(until)) faults.push(`silence of ${worker}: "${until}" is no instant`);
    else if (Date.parse(until) - Date.now() > longestSilence)
      faults.push(`silence of ${worker}: it lasts longer than 30 days`);
  }
  for (const { worker, since } of backup.quarantines) {
    if (!isName(worker)) faults.push(`quarantine of ${worker}: this is no worker's id`);
    if (!isInstant(since)) faults.push(`quarantine of ${worker}: "${since}" is no instant`);
  }
  if (faults.length === 0) return;
  const text = `This is no backup that can be restored, and nothing was: ${listed(faults)}.`;
  throw new ApiProblem(400, text);
}

interface NewDocument {
  readonly kind: string;
  readonly name: string;
  readonly document: unknown;
  /** Another one of that name is there. */
  readonly isThere: boolean;
}

function newDocuments(backup: Backup, present: Backup["documents"]): readonly NewDocument[] {
  return Object.entries(backup.documents).flatMap(([kind, named]) => {
    const there = new Map(Object.entries(present[kind] ?? {}));
    return Object.entries(named)
      .filter(([name, document]) => !isDeepStrictEqual(there.get(name), document))
      .map(([name, document]) => ({ kind, name, document, isThere: there.has(name) }));
  });
}

/** Those that are not in force just so. */
function newMarks(backup: Backup, marks: Marks, now: number): Marks & { readonly passed: number } {
  const lasting = backup.silences
    .map(({ worker, until, reason }) => ({
      ...{ worker, reason: toReason(reason) },
      for: Date.parse(until) - now,
    }))
    .filter((one) => one.for > 0);
  const silences = lasting.filter(
    (wanted) =>
      !marks.silences.some(
        (one) =>
          one.worker === wanted.worker &&
          one.reason === wanted.reason &&
          Math.abs(one.for - wanted.for) < sameInstant,
      ),
  );
  const quarantines = backup.quarantines
    .filter(({ worker }) => !marks.quarantines.some((one) => one.worker === worker))
    .map(({ worker, since }) => ({ worker, ago: Math.max(0, now - Date.parse(since)) }));
  return { silences, quarantines, passed: backup.silences.length - lasting.length };
}

/** What runs is not taken down by a file. */
function refuseClusters(documents: readonly NewDocument[]): void {
  const there = documents.filter(({ kind, isThere }) => isThere && kind === "clusters");
  if (there.length === 0) return;
  const names = listed(there.map(({ name }) => name));
  const text = `Clusters are never replaced; delete them, or take them out of the file: ${names}. Nothing was restored.`;
  throw new ApiProblem(409, text);
}

function refuseTooMany(documents: readonly NewDocument[], present: Backup["documents"]): void {
  for (const kind of Object.keys(backupKinds)) {
    const added = documents.filter((one) => one.kind === kind && !one.isThere).length;
    const all = added + Object.keys(present[kind] ?? {}).length;
    if (added === 0 || all <= limits.documents) continue;
    const text = `There would be ${all} ${kind}; at most ${limits.documents} are kept. Nothing was restored.`;
    throw new ApiProblem(409, text);
  }
}

async function documentsNow(plane: ControlPlane): Promise<Backup["documents"]> {
  const kinds = Object.keys(backupKinds).map(
    async (kind) =>
      [kind, Object.fromEntries(await fromShelves(() => keptOf(plane, kind).list()))] as const,
  );
  return Object.fromEntries(await Promise.all(kinds));
}

const fromShelves = <Value>(read: () => Promise<Value>, within?: Duration): Promise<Value> =>
  fromRecord(read, "What a backup holds cannot be read or written", within);

const isInstant = (text: string): boolean => !Number.isNaN(Date.parse(text));

const countOf = ({ documents, silences, quarantines }: Backup): number =>
  Object.values(documents).reduce((sum, named) => sum + Object.keys(named).length, 0) +
  silences.length +
  quarantines.length;

const countOfMarks = ({ silences, quarantines }: Marks): number =>
  silences.length + quarantines.length;

function listed(all: readonly string[]): string {
  const more = all.length - namedAtMost;
  const named = all.slice(0, namedAtMost).join("; ");
  return more > 0 ? `${named}; and ${more} more` : named;
}
