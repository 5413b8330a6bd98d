// What should be mended before the night: each coordinator looks at itself on demand, and the one that is asked asks the others.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { DoctorFinding, DoctorView, ExaminedView } from "../../proto/doctor-rest.ts";
import { version } from "../version.ts";
import { gathered } from "../doctor/ailments.ts";
import { aheadOf, ofCoordinators, type Examined, type OwnAnswer } from "../doctor/coordinators.ts";
import { ofPicture } from "../doctor/picture.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./doctor-shapes.ts";
import { askOne } from "./live/others.ts";
import { ref } from "./schema-words.ts";
import { answers, good } from "./schemas.ts";
import { statusView, workerView } from "./views.ts";

/** Another one's own examination is over in 4 s. */
const peerPatience = 7_000;

interface Query {
  readonly own: boolean;
}

/** What the asked one says of itself stands first among its coordinators. */
interface OwnView extends DoctorView {
  readonly coordinators: readonly OwnAnswer[];
}

export function doctorPlugin(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Query }>(
    "/api/v1/doctor",
    {
      // It calls engines and writes a file: two a second are enough.
      config: { rateLimit: { max: 120, timeWindow: 60_000 } },
      schema: {
        tags: ["coordinator"],
        summary: "What should be mended before the night",
        description:
          "Looks at Redis, engines, disk, clocks, settings, and what the picture shows, of every coordinator that answers; takes up to 8 s.",
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            own: { type: "boolean", default: false, description: "of the answering one alone" },
          },
        },
        response: answers(
          { 200: good(ref("Doctor"), "Findings, the gravest first", examples.doctor) },
          400,
          503,
        ),
      },
    },
    async (request): Promise<DoctorView> => {
      const own = await ownView(context);
      return request.query.own ? own : withOthers(context, request, own);
    },
  );
}

async function ownView({ id, plane }: ApiContext): Promise<OwnView> {
  const askedAtMs = Date.now();
  const examined = await plane.examine();
  const summary = plane.summary();
  const workers = summary.workers.map((one) => workerView(summary, one));
  const picture = ofPicture(statusView(summary, plane.readiness(), plane.facts()), workers);
  const findings = [...picture, ...examined].map((one) => ({ ...one, by: [id] }));
  const url = plane.members().find((one) => one.id === id)?.url ?? null;
  const self = { id, url, answers: true, text: "", version, aheadMs: 0 };
  return {
    coordinators: [{ ...self, askedAtMs, nowMs: Date.now() }],
    findings: gathered(findings),
  };
}

async function withOthers(
  context: ApiContext,
  request: FastifyRequest,
  own: OwnView,
): Promise<DoctorView> {
  const { id: self, plane } = context;
  const others = plane.members().filter(({ id }) => id !== self);
  const told = await Promise.all(
    others.map(async ({ id, url }): Promise<readonly [Examined, readonly DoctorFinding[]]> => {
      const sent = Date.now();
      const path = "/api/v1/doctor?own=true";
      const told = await askOne<OwnView>(context, request, url, path, peerPatience);
      const [one] = told.ok ? told.view.coordinators : [];
      if (told.ok && one?.id === id) {
        const { ahead, err } = aheadOf(sent, one, Date.now());
        return [{ ...plain(one), url, aheadMs: ahead, err }, told.view.findings];
      }
      const text = told.ok ? `there answers ${one?.id ?? "nobody"}` : told.text;
      const silent = { id, url, answers: false, text, version: null, nowMs: null };
      return [{ ...silent, aheadMs: null, err: 0 }, []];
    }),
  );
  const [first] = own.coordinators;
  const all = [
    ...(first === undefined ? [] : [{ ...plain(first), err: 0 }]),
    ...told.map(([one]) => one),
  ].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const findings = [...own.findings, ...told.flatMap(([, theirs]) => theirs)];
  return {
    coordinators: all.map(plain),
    findings: gathered([...findings, ...ofCoordinators(all, self)]),
  };
}

const plain = ({
  id,
  url,
  answers: does,
  text,
  version: release,
  nowMs,
  aheadMs,
}: ExaminedView) => ({
  ...{ id, url, answers: does, text, version: release, nowMs, aheadMs },
});
