// Who follows the events of any coordinator gets those of all, each once, and none from before.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MeshEvent } from "../../coordinator/core/event.ts";
import { EventFeed } from "../../coordinator/event-feed.ts";
import type { ListedEvent } from "../../coordinator/io/record-asks.ts";
import { meshEvent } from "./api/scripted-plane.ts";
import { pause, until } from "../waiting.ts";

/** A record in memory, as Redis keeps it. */
class Record {
  isAway = false;
  looks = 0;
  readonly #entries: ListedEvent[] = [];

  put(text: string): MeshEvent {
    const event = meshEvent({ text });
    this.#entries.push({ id: String(this.#entries.length + 1), event });
    return event;
  }

  newestEvent(): Promise<string> {
    return this.#unlessAway(String(this.#entries.length));
  }

  eventsAfter(id: string): Promise<readonly ListedEvent[]> {
    this.looks++;
    return this.#unlessAway(this.#entries.filter((one) => Number(one.id) > Number(id)).slice(0, 2));
  }

  #unlessAway<Value>(value: Value): Promise<Value> {
    return this.isAway ? Promise.reject(new Error("away")) : Promise.resolve(value);
  }
}

const follow = async (feed: EventFeed): Promise<{ texts: string[]; stop: () => void }> => {
  const texts: string[] = [];
  const stop = await feed.subscribe(({ text }) => texts.push(text));
  return { texts, stop };
};

describe("who follows the events", () => {
  test("gets those of other coordinators by the record, and none from before", async (t) => {
    const record = new Record();
    const feed = new EventFeed(() => record);
    t.after(() => {
      feed.stop();
    });
    record.put("before");
    const { texts } = await follow(feed);
    for (const text of ["one", "two", "three"]) record.put(text);
    await until("all three, from two pages", () => texts.length === 3);
    assert.deepEqual(texts, ["one", "two", "three"]);
  });

  test("gets this process's own at once, and not again when the record has them", async (t) => {
    const record = new Record();
    const feed = new EventFeed(() => record);
    t.after(() => {
      feed.stop();
    });
    const { texts } = await follow(feed);
    feed.onEvent(record.put("own"));
    assert.deepEqual(texts, ["own"]);
    record.put("other");
    await until("the other", () => texts.length > 1);
    assert.deepEqual(texts, ["own", "other"]);
  });

  test("gets them again when Redis is back, and this process's own all along", async (t) => {
    const record = new Record();
    record.isAway = true;
    const feed = new EventFeed(() => record);
    t.after(() => {
      feed.stop();
    });
    const { texts } = await follow(feed);
    feed.onEvent(meshEvent({ text: "own" }));
    assert.deepEqual(texts, ["own"]);
    record.isAway = false;
    // The first look finds where the record stands.
    await pause(600);
    record.put("other");
    await until("the other", () => texts.length > 1);
    assert.deepEqual(texts, ["own", "other"]);
  });

  test("and stops doing so costs the record nothing any more", async () => {
    const record = new Record();
    const feed = new EventFeed(() => record);
    const [one, two] = [await follow(feed), await follow(feed)];
    await until("a look", () => record.looks > 0);
    one.stop();
    two.stop();
    const { looks } = record;
    await pause(600);
    assert.equal(record.looks, looks);
    record.put("unseen");
    const { texts, stop } = await follow(feed);
    record.put("seen");
    await until("it", () => texts.length > 0);
    assert.deepEqual(texts, ["seen"]);
    stop();
  });
});
