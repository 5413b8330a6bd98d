// A person's machine in a lab's network: Avahi, which most Linux systems ask for names that end in .local.

import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import { until } from "../waiting.ts";
import type { Namespace } from "./namespace.ts";

export interface AvahiOptions {
  /** The machine announces itself as `<hostName>.local`; without it, it only asks. */
  readonly hostName?: string;
}

export class Avahi {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Ends with the namespace. Resolves when it answers. */
  static async start(space: Namespace, { hostName }: AvahiOptions = {}): Promise<Avahi> {
    const config = path.join(space.dir, "avahi.conf");
    const own = path.join(space.dir, "avahi-run");
    mkdirSync(own);
    writeFileSync(
      config,
      [
        "[server]",
        `host-name=${hostName ?? "person"}`,
        "use-ipv6=no",
        "enable-dbus=no",
        "[publish]",
        `disable-publishing=${hostName === undefined ? "yes" : "no"}`,
        "",
      ].join("\n"),
    );
    // Its pid file and socket have fixed places, which are the machine's own Avahi's: here they are in the lab's directory.
    const script =
      "mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && " +
      'mount --bind "$1" /run/avahi-daemon && exec avahi-daemon -f "$2" --no-drop-root --no-chroot --no-rlimits';
    space.start("avahi", "unshare", ["--mount", "sh", "-c", script, "sh", own, config]);
    const avahi = new Avahi(path.join(own, "socket"));
    await until("avahi to answer", async () => (await avahi.#ask("HELP").catch(() => "")) !== "");
    return avahi;
  }

  /** The IPv4 address of a name, from its cache or the network; undefined where nobody answers within Avahi's own 5 s. */
  async resolve(name: string): Promise<string | undefined> {
    const answer = await this.#ask(`RESOLVE-HOSTNAME-IPV4 ${name}`);
    const address = /^\+ \S+ \S+ \S+ (\S+)/.exec(answer)?.[1];
    if (address === undefined && !answer.includes("Timeout reached")) {
      throw new Error(`avahi says of ${name}: ${answer}`);
    }
    return address;
  }

  /** One line, in the words of nss-mdns, by which programs come to it. */
  async #ask(words: string): Promise<string> {
    const socket = connect(this.#socket);
    try {
      socket.write(`${words}\n`);
      for await (const line of createInterface({ input: socket })) return line;
      return "";
    } finally {
      socket.destroy();
    }
  }
}
