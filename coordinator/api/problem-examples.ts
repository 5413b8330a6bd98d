// A problem of each status, as the description shows it: in the words that are really given.

import type { Problem } from "../../proto/rest.ts";
import { problem } from "./problem.ts";

const unknownProperty = "body must NOT have additional properties: colour";
const details: Readonly<Record<number, string>> = {
  400: unknownProperty,
  401: "Send Authorization: Bearer <token>, or the token as password of any user name.",
  403: "This needs the role operator; ann is viewer.",
  404: "No worker is called web-9; GET /api/v1/workers lists all.",
  405: "There is no PUT /api/v1/workers, only GET, HEAD; see /docs.",
  409: "web is ambiguous: h1/web, h2/web. Ask by the whole id.",
  413: "The body may have at most 16384 bytes; a stack's or a template's 524288, a backup's 33554432.",
  415: "Send application/json, or no body at all.",
  429: "At most 1200 requests a minute; wait 42 seconds.",
  502: "The leader (http://10.0.0.1:8080) was lost (socket hang up). Whether it was done is not known: look before you ask again.",
  503: "No coordinator leads at the moment. Ask again in a second.",
  504: "The leader (http://10.0.0.1:8080) did not answer within 5000 ms. Whether it was done is not known: look before you ask again.",
};
const problems: Readonly<Record<number, readonly string[]>> = {
  400: [unknownProperty],
  409: ["h1/web", "h2/web"],
};

export const problemExample = (code: number): Problem =>
  problem(code, details[code] ?? "See the coordinator's log.", problems[code]);
