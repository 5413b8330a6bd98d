// The release of this code, as package.json names it.

import description from "../package.json" with { type: "json" };

export const version: string = description.version;
