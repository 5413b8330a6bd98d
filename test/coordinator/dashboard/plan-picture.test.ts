// The picture of a plan: nothing overlaps, nothing leaves it, and every line joins boxes that are there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hostExamples } from "../../../coordinator/api/host-examples.ts";
import { pictureOf, type PictureBox } from "../../../coordinator/dashboard/plan-picture.ts";

const { plan } = hostExamples;

test("the host, what moves and what stays, and the targets; what is not touched is left out", () => {
  const { boxes, lines, left } = pictureOf(plan, 720);
  const of = (kind: PictureBox["kind"]) =>
    boxes.filter((box) => box.kind === kind).map(({ text }) => text);
  assert.deepEqual(
    [of("host"), of("move"), of("stay"), of("target")],
    [["h1"], ["shop_web"], ["shop_db"], ["h2"]],
  );
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ["move", "move", "stay"],
  );
  assert.ok(left <= 0);
});

test("boxes lie inside, and apart from each other", () => {
  const [web] = plan.services;
  assert.ok(web !== undefined);
  const services = Array.from({ length: 20 }, (_, at) => ({
    ...web,
    id: `s${at}`,
    name: `a-service-with-a-rather-long-name-${at}`,
    targets: [1, 2, 3].map((n) => ({ id: `n${n}`, name: `host-${n}` })),
  }));
  for (const width of [520, 720, 1200]) {
    const { boxes, height, left } = pictureOf({ ...plan, services }, width);
    assert.equal(left, 8);
    for (const box of boxes) {
      assert.ok(box.x >= 0 && box.x + box.width <= width, `${box.text} at ${width}`);
      assert.ok(box.y >= 0 && box.y + box.height <= height, box.text);
      const others = boxes.filter((one) => one !== box && one.x === box.x);
      assert.ok(
        others.every((one) => Math.abs(one.y - box.y) >= box.height),
        box.text,
      );
      assert.ok(box.text.length * 7 < box.width, `${box.text} fits at ${width}`);
    }
  }
});
