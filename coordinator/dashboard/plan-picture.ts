// Where things stand in the picture of a migration plan: the host at the left, its services in the middle, their targets at the right. Pure.

import type { PlanView } from "../../proto/rest.ts";

export interface PictureBox {
  readonly key: string;
  readonly text: string;
  /** The smaller line; may be empty. */
  readonly note: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly kind: "host" | "move" | "stay" | "target";
}

export interface PictureLine {
  readonly key: string;
  /** Of an SVG path. */
  readonly d: string;
  readonly kind: "move" | "stay";
}

export interface PlanPicture {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PictureBox[];
  readonly lines: readonly PictureLine[];
  /** Services for which there is no room in the picture. */
  readonly left: number;
}

const rowHeight = 52;
const boxHeight = 40;
const most = 12;
/** Of a letter on average, px. */
const letter = 7.4;

/** @param width px, at least 440 for it to be read */
export function pictureOf(plan: PlanView, width: number): PlanPicture {
  const touched = plan.services.filter(({ action }) => action !== "untouched");
  const services = touched.slice(0, most);
  const names = [...new Set(services.flatMap((one) => one.targets.map(({ name }) => name)))].sort();
  const height = Math.max(services.length, names.length, 1) * rowHeight;
  const column = Math.floor((width - 2 * gapOf(width)) / 3);
  const x = (at: number): number => at * (column + gapOf(width));
  const fits = Math.floor((column - 24) / letter);
  const box = (
    at: number,
    y: number,
    one: Pick<PictureBox, "key" | "text" | "note" | "kind">,
  ): PictureBox => ({
    ...one,
    ...{ text: cut(one.text, fits), note: cut(one.note, Math.floor(fits * 1.15)) },
    ...{ x: x(at), y, width: column, height: boxHeight },
  });
  const spread = (length: number, at: number): number =>
    Math.round((height * (at + 0.5)) / length - boxHeight / 2);
  const note = plan.cause === "drain" ? "is emptied" : "falls out";
  const host = box(0, spread(1, 0), { key: "host", text: plan.host.name, note, kind: "host" });
  const middle = services.map((one, at) => {
    const isMoved = one.action === "move";
    const what = `${one.replicas} × ${isMoved ? "moves" : "stays"}`;
    return box(1, spread(services.length, at), {
      ...{ key: one.id, text: one.name, note: what, kind: isMoved ? "move" : "stay" },
    });
  });
  const right = names.map((name, at) =>
    box(2, spread(names.length, at), { key: `to ${name}`, text: name, note: "", kind: "target" }),
  );
  const lines = services.flatMap((one, at): PictureLine[] => {
    const own = middle[at];
    if (own === undefined) return [];
    const kind: PictureLine["kind"] = one.action === "move" ? "move" : "stay";
    const ends = one.targets.flatMap(({ name }) => right[names.indexOf(name)] ?? []);
    return [
      { key: `from ${one.id}`, d: curve(host, own), kind },
      ...ends.map((end) => ({ key: `${one.id} ${end.key}`, d: curve(own, end), kind })),
    ];
  });
  return { width, height, boxes: [host, ...middle, ...right], lines, left: touched.length - most };
}

const gapOf = (width: number): number => Math.round(width / 9);

function curve(from: PictureBox, to: PictureBox): string {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

const cut = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
