// Whether Redis answers, keeps what it is told, and knows the time: asked of the server itself, by a connection of its own.

import type { Redis } from "ioredis";
import { inTime } from "../io/in-time.ts";
import { RedisConnections } from "../io/redis.ts";
import { describeRedis, type RedisAddress } from "../io/redis-url.ts";
import { symptom, type Symptom } from "./ailments.ts";
import { clockText, readClock } from "./clock.ts";

const patience = 3_000;
const clockMayErr = 1_000;

/** Never rejects. */
export async function ofRedis(address: RedisAddress): Promise<readonly Symptom[]> {
  const where = describeRedis(address);
  let lastError = "";
  const connections = new RedisConnections({
    address,
    owner: "doctor",
    onError: (error) => {
      lastError = error.message;
    },
  });
  const redis = connections.open("follower");
  try {
    return await inTime(patience, () => examine(redis, where));
  } catch (error) {
    const why = lastError === "" ? (error as Error).message : lastError;
    return [symptom("redis-unreachable", where, `${where}: ${why}.`)];
  } finally {
    connections.stop();
  }
}

async function examine(redis: Redis, where: string): Promise<readonly Symptom[]> {
  const clock = await readClock(async () => {
    const [seconds = 0, micros = 0] = await redis.time();
    return seconds * 1000 + micros / 1000;
  });
  const found: Symptom[] = [];
  if (clock.isOff(clockMayErr)) {
    found.push(symptom("redis-clock", where, `${where}: its clock is ${clockText(clock)}.`));
  }
  const info = factsOf(await redis.info());
  if (isOlder(info["redis_version"] ?? "6.2")) {
    found.push(symptom("redis-old", where, `${where} is Redis ${info["redis_version"] ?? ""}.`));
  }
  const failed = ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"];
  const broken = failed.filter((name) => info[name] !== undefined && info[name] !== "ok");
  if (broken.length > 0) {
    found.push(symptom("redis-disk", where, `${where} says ${broken.join(", ")}: err.`));
  }
  const evicting = info["maxmemory_policy"] ?? "noeviction";
  if (evicting !== "noeviction" && info["maxmemory"] !== "0") {
    found.push(symptom("redis-evicts", where, `${where} has maxmemory-policy ${evicting}.`));
  }
  return [...found, ...(await ofPersistence(redis, where, info))];
}

async function ofPersistence(
  redis: Redis,
  where: string,
  info: Readonly<Record<string, string>>,
): Promise<readonly Symptom[]> {
  if (info["aof_enabled"] === "1") return [];
  try {
    const [, save = ""] = (await redis.call("CONFIG", "GET", "save")) as readonly string[];
    const told = save === "" ? 'appendonly no and save ""' : `appendonly no and save "${save}"`;
    const code = save === "" ? "redis-volatile" : "redis-snapshots";
    return [symptom(code, where, `${where} has ${told}.`)];
  } catch {
    const text = `${where} has appendonly no, and does not tell how it saves (CONFIG is refused).`;
    return [symptom("redis-untold", where, text)];
  }
}

const factsOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split("\r\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 6 || (major === 6 && minor < 2);
}
