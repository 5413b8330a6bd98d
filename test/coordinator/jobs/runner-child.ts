// A runner in a process of its own, to be killed where it stands. Arguments: Redis's URL, the world's directory, the point where it freezes.

import { parseRedisUrl } from "../../../coordinator/io/redis-url.ts";
import { buildRunner } from "./runner-lab.ts";
import { ScriptedWorld, type FreezePoint } from "./scripted-world.ts";

const [url = "", directory = "", freeze = "none"] = process.argv.slice(2);
const address = parseRedisUrl(url);
if (!address.ok) throw new Error(address.detail);
const { runner } = buildRunner({
  address: address.value,
  world: new ScriptedWorld(directory),
  name: `child.${process.pid}`,
  freeze: freeze as FreezePoint,
});
runner.start();
process.stdout.write("started\n");
