// Parameters while a template is written: found in its text, what was said of them kept, and only what must be said is sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readTemplate } from "../../../coordinator/docker/stack-template.ts";
import { declaredOf, rowsOf } from "../../../coordinator/dashboard/template-text.ts";

const text = 'services: { web: { image: "nginx:${TAG:-1.27}", command: "echo $$X ${WORD} ${N}" } }';

test("parameters of the text, by name, with what was said of them before", () => {
  const said = { name: "WORD", description: "is said", default: null, required: false };
  const gone = { ...said, name: "GONE" };
  const rows = rowsOf(text, [said, gone]);
  assert.deepEqual(
    rows.map(({ name, textDefault, description, required }) => [
      name,
      textDefault,
      description,
      required,
    ]),
    [
      ["N", null, "", true],
      ["TAG", "1.27", "", true],
      ["WORD", null, "is said", false],
    ],
  );
});

test("what is sent is what the API makes the same parameters of", () => {
  const rows = rowsOf(text, []);
  assert.deepEqual(declaredOf(rows), []);
  const [n, tag, word] = rows;
  assert.ok(n !== undefined && tag !== undefined && word !== undefined);
  n.default = "2";
  tag.description = "of the image";
  word.required = false;
  const declared = declaredOf(rows);
  assert.deepEqual(declared, [
    { name: "N", default: "2" },
    { name: "TAG", description: "of the image" },
    { name: "WORD", required: false },
  ]);
  const read = readTemplate(text, declared);
  assert.deepEqual(
    read.map(({ name, default: fallback, required }) => [name, fallback, required]),
    [
      ["N", "2", false],
      ["TAG", "1.27", false],
      ["WORD", null, false],
    ],
  );
  assert.deepEqual(declaredOf(rowsOf(text, read)), declared);
});
