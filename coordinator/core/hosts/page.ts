// What one coordinator knows of one host between two verdicts.

import type { AgentHealth, Capacity, Pong, StandingKind } from "../../../proto/messages.ts";
import { after, elapsed, type Duration, type Instant } from "../../../proto/units.ts";
import type { PathView } from "../path.ts";
import { FenceRecord } from "./fence-record.ts";
import type { HostNow, HostSpec, HostVerdict } from "./host.ts";
import { Knocks } from "./knocks.ts";
import type { Sign } from "./verdict.ts";
import type { WorkersHeard } from "./watch-shape.ts";

interface Seen extends Sign {
  readonly at: Instant;
}

export class HostPage {
  spec: HostSpec;
  readonly knocks = new Knocks();
  readonly fence = new FenceRecord();
  /** By the mesh's own evidence. */
  verdict: HostVerdict = { kind: "unknown", reason: "nothing is known yet", evidence: [] };
  /** That, or what a person asked its Swarm for. */
  shown: HostVerdict = this.verdict;
  shownSince: Instant;
  /** The standing that the others were told, or would be. */
  said: StandingKind = "abstain";
  /** By its agent's last answer; another host's agent at its address has another. */
  agentName = "";
  /** Where that answer came from. */
  answeredFrom = "";
  everHeard = false;
  /** Its present silence teaches its path nothing: a quorum called it death, or we were not fit to judge within it. */
  isSilenceMoot = false;
  health: AgentHealth | undefined;
  load: number | undefined;
  capacity: Capacity | undefined;
  /** Since when anything speaks against its death; undefined while nothing does. */
  #aliveSince: Instant | undefined;
  #incarnation = 0;
  #lives = 0;
  readonly #seen = new Map<Sign["kind"], Seen>();

  constructor(spec: HostSpec, now: Instant) {
    this.spec = spec;
    this.shownSince = now;
  }

  /** To be asked before its answer is taken: who answers, as the path tells one life from another. */
  answerer(pong: Pong): number {
    if (this.isSilenceMoot || pong.incarnation > this.#incarnation) this.#lives++;
    this.#incarnation = Math.max(this.#incarnation, pong.incarnation);
    return this.#lives;
  }

  /** True where the engine's health is news. */
  onPong(pong: Pong, now: Instant): boolean {
    this.fence.onPong(pong, now);
    const isNews = this.health?.state !== pong.health.state;
    this.everHeard = true;
    this.isSilenceMoot = false;
    this.agentName = pong.name;
    this.health = pong.health;
    this.load = pong.load;
    this.capacity = pong.capacity;
    return isNews;
  }

  onVerdict(verdict: HostVerdict): void {
    const isDeath = verdict.kind === "dead" && this.verdict.kind !== "dead";
    this.verdict = verdict;
    this.fence.onVerdict(verdict);
    if (!isDeath) return;
    this.isSilenceMoot = true;
    this.health = undefined;
  }

  /** How long something has spoken against its death without a break. */
  aliveFor(isAlive: boolean, now: Instant): Duration {
    this.#aliveSince = isAlive ? (this.#aliveSince ?? now) : undefined;
    return elapsed(this.#aliveSince ?? now, now);
  }

  get now(): HostNow {
    return { id: this.spec.id, node: this.spec.node, verdict: this.shown.kind };
  }

  hearWorkers(heard: WorkersHeard): void {
    for (const engine of this.spec.engines) {
      const at = heard(engine);
      if (at !== undefined) this.onSign("answers", "a worker on it answers", at);
    }
  }

  onSign(kind: Sign["kind"], text: string, at: Instant): void {
    this.#seen.set(kind, { kind, text, at });
  }

  /** The best sign that is younger than `within`. */
  sign(within: Duration, now: Instant): Seen | undefined {
    const [answers, sends] = [this.#seen.get("answers"), this.#seen.get("sends")];
    const isYoung = (seen: Seen | undefined): seen is Seen =>
      seen !== undefined && elapsed(seen.at, now) <= within;
    if (isYoung(answers)) return answers;
    return isYoung(sends) ? sends : undefined;
  }

  /**
   * What we say of the path to it. Beyond what holds for workers, `down` needs that whatever else could show its life was asked and
   * stayed silent too; until then, and where it did not, we are in doubt, and a sign of life counts as having heard it.
   */
  view(path: PathView, grantLength: Duration, now: Instant): PathView {
    const sign = this.everHeard ? this.sign(path.witnessFor, now) : undefined;
    const heardAt = later(path.heardAt, sign?.at);
    const grant = this.fence.lastGrant(grantLength, now);
    // Who refused datagrams a while ago, and answers nothing now, may have died since.
    const refused = sign?.kind === "answers" ? path.refused : 0;
    const view = { ...path, heardAt, refused, ...(grant !== undefined && { grant }) };
    if (path.standing !== "down") return view;
    const isUnanswered = this.knocks.isUnanswered(after(now, -path.silence));
    const isDown = this.everHeard && sign === undefined && isUnanswered;
    return { ...view, standing: isDown ? "down" : "doubt" };
  }
}

const later = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

/** The one host at each address; undefined where several share it. */
export function byAddress(pages: Iterable<HostPage>): ReadonlyMap<string, HostPage | undefined> {
  const index = new Map<string, HostPage | undefined>();
  for (const page of pages) {
    for (const address of new Set([page.spec.address, page.answeredFrom])) {
      if (address !== "") index.set(address, index.has(address) ? undefined : page);
    }
  }
  return index;
}
