// Plans of any Swarm: the order in which it is told does not matter, and no plan breaks what it promises.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConstraints, satisfies } from "../../../../coordinator/core/migration/constraints.ts";
import type { HostPlan, ServiceMove } from "../../../../coordinator/core/migration/plan.ts";
import {
  isUsable,
  isWanted,
  type SwarmHost,
  type SwarmService,
  type SwarmView,
} from "../../../../coordinator/core/migration/swarm-view.ts";
import { host, memory, service, task } from "./swarm-script.ts";
import { planFor } from "./planned.ts";

const types = ["primary", "secondary", "tertiary", ""] as const;

const anyHost = (name: string): fc.Arbitrary<SwarmHost> =>
  fc
    .record({
      type: fc.constantFrom(...types),
      state: fc.constantFrom("ready", "ready", "ready", "down"),
      availability: fc.constantFrom("active", "active", "active", "drain", "pause"),
      load: fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined }),
    })
    .map(({ type, load, ...some }) =>
      host(name, {
        ...some,
        labels: type === "" ? {} : { type },
        ...(load === undefined ? {} : { load }),
      }),
    );

const anyService = (name: string): fc.Arbitrary<SwarmService> =>
  fc
    .record({
      constraints: fc.uniqueArray(
        fc.constantFrom(
          ...["node.labels.type==primary", "node.labels.type==secondary", "node.hostname==h1"],
          ...["node.id!=id-h2", "node.platform.os==linux", "node.labels.type!=tertiary"],
        ),
        { maxLength: 2 },
      ),
      to: fc.constantFrom("", "", "secondary", "secondary,tertiary"),
      strategy: fc.constantFrom("priority", "spread", "least-loaded", "most-free"),
      maxReplicasPerHost: fc.constantFrom(0, 0, 1, 2),
      reserved: fc.constantFrom(0, 0, 3),
      mode: fc.constantFrom("replicated", "replicated", "replicated", "global"),
      port: fc.constantFrom(0, 0, 80),
    })
    .map(({ to, strategy, reserved, port, ...some }) =>
      service(name, {
        ...some,
        replicas: 2,
        reservations: memory(reserved),
        ports: port === 0 ? [] : [{ protocol: "tcp", published: port, mode: "host" }],
        labels: {
          "heartmesh.migrate.strategy": strategy,
          ...(to === "" ? {} : { "heartmesh.migrate.to": to }),
        },
      }),
    );

/** Tasks stand anywhere, as after a change of labels; some wait for a host. */
const anySwarm: fc.Arbitrary<SwarmView> = fc
  .record({
    hosts: fc.tuple(...["h1", "h2", "h3", "h4"].map(anyHost)),
    services: fc.tuple(...["a", "b", "c"].map(anyService)),
    places: fc.array(fc.constantFrom("h1", "h1", "h2", "h3", "h4", ""), {
      minLength: 6,
      maxLength: 6,
    }),
  })
  .map(({ hosts, services, places }) => ({
    hosts,
    services,
    tasks: services.flatMap((one, at) =>
      [0, 1].map((slot) => task(one, slot + 1, places[2 * at + slot] ?? "")),
    ),
  }));

const movesOf = ({ services }: HostPlan): readonly ServiceMove[] =>
  services.filter((one) => one.action === "move");

test("the same Swarm gives the same plan, in whatever order it is told", () => {
  const shuffled = anySwarm.chain((picture) =>
    fc.record({
      picture: fc.constant(picture),
      hosts: fc.shuffledSubarray([...picture.hosts], { minLength: picture.hosts.length }),
      services: fc.shuffledSubarray([...picture.services], { minLength: 3 }),
      tasks: fc.shuffledSubarray([...picture.tasks], { minLength: picture.tasks.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ picture, ...other }) => {
      assert.deepEqual(planFor(other), planFor(picture));
    }),
    { numRuns: 300 },
  );
});

test("a moved service is allowed on its targets and kept off the host that falls out; every other constraint holds on", () => {
  let moves = 0;
  fc.assert(
    fc.property(anySwarm, (picture) => {
      const [dead] = picture.hosts;
      assert.ok(dead !== undefined);
      for (const { change, choice, service: one } of movesOf(planFor(picture))) {
        moves++;
        const { known, unknown } = parseConstraints(change.constraints);
        assert.deepEqual(unknown, []);
        const allowed = (each: SwarmHost): boolean => known.every((c) => satisfies(each, c));
        assert.equal(allowed(dead), false, change.constraints.join(" "));
        assert.ok(choice.targets.length > 0);
        for (const { host: target } of choice.targets) {
          assert.ok(isUsable(target) && allowed(target), target.name);
        }
        // Swarm can place it nowhere that the plan does not name.
        for (const other of picture.hosts.filter((each) => isUsable(each) && allowed(each))) {
          const named = choice.targets.some((each) => each.host.id === other.id);
          const runsIt = picture.tasks.some(
            (each) => each.serviceId === one.id && each.hostId === other.id && isWanted(each),
          );
          const isFull = one.ports.length > 0 || one.maxReplicasPerHost > 0;
          const isTight = one.reservations.memoryBytes > 0;
          assert.ok(named || runsIt || isFull || isTight, `${other.name} is allowed and not named`);
        }
        const ties = /^node\.(labels\.type|hostname)==/;
        for (const text of one.constraints.filter((each) => !ties.test(each))) {
          assert.ok(change.constraints.includes(text), text);
        }
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(moves > 200, `only ${moves} moves were looked at`);
});

test("healthy replicas move only where no way leaves them alone", () => {
  let disturbing = 0;
  fc.assert(
    fc.property(anySwarm, (picture) => {
      for (const { choice, change, service: one } of movesOf(planFor(picture))) {
        if (choice.disturbed.length === 0) continue;
        disturbing++;
        // As before and without the host, nobody would be disturbed that is allowed where it is; so there was no room.
        const before = parseConstraints(one.constraints).known;
        const roomy = picture.hosts.filter(
          (each) => isUsable(each) && each.name !== "h1" && before.every((c) => satisfies(each, c)),
        );
        const misplaced = choice.disturbed.some((id) =>
          picture.hosts.some((each) => each.id === id && !before.every((c) => satisfies(each, c))),
        );
        const isBound =
          one.maxReplicasPerHost > 0 || one.ports.length > 0 || one.reservations.memoryBytes > 0;
        assert.ok(roomy.length === 0 || misplaced || isBound, change.constraints.join(" "));
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(disturbing > 5, `only ${disturbing} moves disturbed anybody`);
});

test("what was moved is not lost with the host any more, and comes from where it came", () => {
  fc.assert(
    fc.property(anySwarm, (picture) => {
      for (const { change, choice, service: one, lost } of movesOf(planFor(picture))) {
        if (choice.short > 0) continue;
        const [target] = choice.targets;
        const now = {
          ...one,
          constraints: change.constraints,
          labels: { ...one.labels, ...change.labels },
        };
        const tasks = picture.tasks
          .filter((each) => each.serviceId === one.id)
          .map((each) =>
            each.hostId === "id-h1" || each.hostId === ""
              ? { ...each, hostId: target?.host.id ?? "", state: "running" }
              : each,
          );
        assert.ok(lost > 0);
        const after = planFor({ hosts: picture.hosts, services: [now], tasks });
        assert.equal(after.services[0]?.action, "untouched");
        const again = movesOf(planFor({ ...picture, services: [now] }))[0];
        assert.deepEqual(again?.change.journal.before ?? one.constraints, one.constraints);
      }
    }),
    { numRuns: 300 },
  );
});
