// Templates: which parameters a stack file has, what is refused, and that no value becomes part of the file.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocument, visit } from "yaml";
import {
  fillTemplate,
  readTemplate,
  TemplateRefused,
  type Declared,
} from "../../../coordinator/docker/stack-template.ts";

const file = `# \${COMMENTS} say nothing
services:
  web:
    image: "nginx:\${TAG:-1.27}"
    command: ["sh", "-c", "echo $$HOME \${WORD}"]
    environment:
      - A=\${WORD}
    deploy:
      replicas: \${REPLICAS}
`;

const refusal = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof TemplateRefused, String(error));
    return error.problems;
  }
  return [];
};

test("parameters are those of values, by name, with what was declared of them", () => {
  const declared = [
    { name: "WORD", description: "is said", required: false },
    { name: "REPLICAS", default: "2" },
  ];
  assert.deepEqual(readTemplate(file, declared), [
    { name: "REPLICAS", description: "", default: "2", required: false },
    { name: "TAG", description: "", default: "1.27", required: false },
    { name: "WORD", description: "is said", default: null, required: false },
  ]);
  assert.deepEqual(
    readTemplate(file, []).map(({ name, required }) => `${name} ${required}`),
    ["REPLICAS true", "TAG false", "WORD true"],
  );
});

test("what is wrong with a file or its parameters is said, all at once", () => {
  const of = (text: string, declared: readonly Declared[] = []): string =>
    refusal(() => readTemplate(text, declared)).join(" | ");
  const web = (image: string): string => `services: { web: { image: ${image} } }`;
  assert.match(of("services: [1"), /^Flow sequence/);
  assert.equal(of("a: 1"), "it has no services; expected a stack file");
  assert.match(of("services: {}\n---\nservices: {}"), /multiple documents/);
  assert.match(of(web('"$TAG"')), /^"\$TAG" has a \$ that says nothing; expected \$\{NAME\}/);
  for (const stray of ["${TAG-x}", "${TAG:?x}", "${1}", "${A${B}}", "$", "$$$"]) {
    assert.match(of(web(`"${stray}"`)), /has a \$ that says nothing/, stray);
  }
  assert.equal(of(web('"$$TAG $$$$"')), "");
  assert.match(of(web('"\\x24{PATH}"')), /writes its \$ by an escape/);
  assert.match(of("services: { '${A}': { image: x } }"), /is a name; parameters stand in values/);
  assert.match(of(web("x"), [{ name: "A" }]), /^A is declared and stands nowhere/);
  assert.match(of(web("'${A:-1} ${A:-2}'")), /^A has more than one default: 1, 2/);
  const both = [{ name: "A", required: true }, { name: "A" }];
  assert.equal(
    of(web("'${A:-1}'"), both),
    "A is declared twice | A is required and has a default; leave one of them out",
  );
  const many = Array.from({ length: 101 }, (_, at) => `\${P${at}}`).join("");
  assert.match(of(web(`'${many}'`)), /101 parameters are too many; at most 100/);
});

test("unknown and missing parameters are all named; an empty value is none", () => {
  const parameters = readTemplate(file, []);
  assert.deepEqual(
    refusal(() => fillTemplate(file, parameters, { WORD: "", REPLICA: "3", toString: "x" })),
    [
      "REPLICA is no parameter of it; it has REPLICAS, TAG, WORD",
      "toString is no parameter of it; it has REPLICAS, TAG, WORD",
      "REPLICAS is missing",
      "WORD is missing",
    ],
  );
});

test("values go beside the file: it is the same for each, but for the names of its parameters", () => {
  const parameters = readTemplate(file, []);
  const fill = (WORD: string) => fillTemplate(file, parameters, { WORD, REPLICAS: "3" });
  const { stack, variables } = fill('x"\n    privileged: true #');
  assert.equal(stack, fill("y").stack);
  assert.deepEqual(variables, {
    HEARTMESH_PARAMETER_REPLICAS: "3",
    HEARTMESH_PARAMETER_TAG: "1.27",
    HEARTMESH_PARAMETER_WORD: 'x"\n    privileged: true #',
  });
  const renamed = file
    .replaceAll("${WORD}", "${HEARTMESH_PARAMETER_WORD}")
    .replace("${TAG:-1.27}", "${HEARTMESH_PARAMETER_TAG}")
    .replace("${REPLICAS}", "${HEARTMESH_PARAMETER_REPLICAS}");
  assert.equal(stack, renamed);
});

test("of whatever text, what is taken has no variable left that is not one of its own", () => {
  const piece = fc.constantFrom(
    ...[
      "${A}",
      "${B:-x y}",
      "$$",
      "$",
      "{",
      "}",
      "a: ",
      "\n",
      "  ",
      "- ",
      '"',
      "'",
      "|",
      "#",
      "&x ",
    ],
    ...["*x", "[", "]", "\\x24", ":-", "services:", "web"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = `services:\n  web:\n    image: x\n    command: ${pieces.join("")}\n`;
      let parameters;
      try {
        parameters = readTemplate(text, []);
      } catch (error) {
        assert.ok(error instanceof TemplateRefused, String(error));
        return;
      }
      const given = Object.fromEntries(parameters.map(({ name }) => [name, "v"]));
      const { stack, variables } = fillTemplate(text, parameters, given);
      visit(parseDocument(stack), {
        Scalar: (_key, { value }) => {
          const left = String(value).replaceAll("$$", "");
          for (const [, name = ""] of left.matchAll(/\$\{?(\w*)/g)) {
            assert.ok(Object.hasOwn(variables, name), `${name} in ${stack}`);
          }
        },
      });
    }),
  );
});
