// Which worker an answer belongs to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NonceBook } from "../../../coordinator/core/nonce-book.ts";
import { instant } from "../../../proto/units.ts";

test("a nonce means the worker that it was sent to, and is answered once", () => {
  const book = new NonceBook();
  book.put(7, "h1/web", instant(0));
  book.put(8, "h1/db", instant(1));
  assert.equal(book.take(7), "h1/web");
  assert.equal(book.take(7), undefined);
  assert.equal(book.take(8), "h1/db");
  assert.equal(book.take(9), undefined);
});

test("an answer is known for at least 10 s, and forgotten when two generations have passed", () => {
  const book = new NonceBook();
  book.put(1, "h1/web", instant(0));
  book.put(2, "h1/web", instant(9_999));
  book.put(3, "h1/db", instant(10_000));
  assert.equal(book.take(1), "h1/web");
  book.put(4, "h1/db", instant(19_999));
  assert.equal(book.take(2), "h1/web");
  book.put(5, "h1/db", instant(20_000));
  book.put(6, "h1/db", instant(30_000));
  assert.equal(book.take(3), undefined);
  assert.equal(book.take(5), "h1/db");
});
