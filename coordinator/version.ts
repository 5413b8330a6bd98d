// The version of heartmesh that runs, as its package says.

import own from "../package.json" with { type: "json" };

export const version: string = own.version;
