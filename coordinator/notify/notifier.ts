// From events to messages on channels: which go, in what words, how many a minute, and how each is delivered.

import type { Clock } from "../../agent/io/clock.ts";
import type { CoordinatorConfig } from "../config.ts";
import type { MeshEvent } from "../core/event.ts";
import { NeverDeliverable, type NotificationJob } from "../jobs/notification-queue.ts";
import { forgetOldest } from "../core/forget-oldest.ts";
import type { DeliveryOutcome } from "../metrics/tally.ts";
import type { Channel } from "./channel.ts";
import { emailChannel } from "./email.ts";
import {
  digestMessage,
  isUrgent,
  messageOf,
  testMessage,
  type Message,
  type Story,
} from "./message.ts";
import { RateBound } from "./rate.ts";
import { slackChannel } from "./slack.ts";
import { webhookChannel } from "./webhook.ts";

/** Recoveries whose begin is remembered for the words; beyond it the oldest story is forgotten. */
const storiesKept = 5000;

export interface NotifierOptions {
  readonly id: string;
  readonly cluster: string;
  readonly channels: readonly Channel[];
  readonly ratePerMinute: number;
  readonly clock: Clock;
  /** Puts a job where it is delivered with retries: the notification queue, or `deliver` itself where Redis is away. */
  readonly enqueue: (job: NotificationJob) => void;
  /** How an attempt by `deliver` went. */
  readonly onDelivery: (channel: string, outcome: DeliveryOutcome) => void;
}

interface Held {
  readonly event: MeshEvent;
  readonly message: Message;
}

export interface ChannelResult {
  readonly channel: string;
  readonly ok: boolean;
  readonly text: string;
}

/** None where none is configured: what happens is in the log either way, one line an event. */
export function buildChannels(config: CoordinatorConfig["notify"]): Channel[] {
  const channels: Channel[] = [];
  if (config.slackUrl !== undefined) channels.push(slackChannel(config.slackUrl));
  if (config.webhook !== undefined) channels.push(webhookChannel(config.webhook));
  if (config.mail !== undefined) channels.push(emailChannel(config.mail));
  return channels;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #bounds = new Map<Channel, RateBound<Held>>();
  readonly #stories = new Map<string, Story>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    for (const channel of options.channels) {
      this.#bounds.set(channel, new RateBound<Held>(options.ratePerMinute));
    }
  }

  /** Every event goes in, for the stories; only those with `notify` go out. */
  onEvent(event: MeshEvent): void {
    const story = this.#tell(event);
    if (!event.notify) return;
    const message = messageOf(event, story, this.#options.cluster);
    const now = this.#options.clock.now();
    for (const [channel, bound] of this.#bounds) {
      if (bound.admit({ event, message }, isUrgent(event.kind), now)) {
        this.#enqueue(channel, event, message);
      }
    }
    this.#arm();
  }

  /** One attempt, bounded in time; rejects with HM_NOTIFY_FAILED. What the queue calls. */
  async deliver(channelKind: string, job: NotificationJob): Promise<void> {
    const channel = this.#options.channels.find((one) => one.kind === channelKind);
    if (channel === undefined) {
      throw new NeverDeliverable(`${channelKind} is not configured on ${this.#options.id}`);
    }
    const { cluster, onDelivery } = this.#options;
    try {
      await channel.send(job.message ?? messageOf(job.event, undefined, cluster));
    } catch (error) {
      onDelivery(channelKind, "failed");
      throw error;
    }
    onDelivery(channelKind, "delivered");
  }

  /** Sends through every channel at once and tells how each went. */
  async test(): Promise<readonly ChannelResult[]> {
    const { id, cluster, clock, channels } = this.#options;
    const message = testMessage(cluster, id, clock.wall());
    return Promise.all(
      channels.map(async (channel) => {
        try {
          await channel.send(message);
          return { channel: channel.kind, ok: true, text: "delivered" };
        } catch (error) {
          const text = error instanceof Error ? error.message : String(error);
          return { channel: channel.kind, ok: false, text };
        }
      }),
    );
  }

  /** Hands what is held over to the queue. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [channel, bound] of this.#bounds) this.#digest(channel, bound.takeAll());
    for (const channel of this.#options.channels) channel.stop();
  }

  #tell(event: MeshEvent): Story | undefined {
    if (event.recovery === "") return undefined;
    const known = this.#stories.get(event.recovery);
    const story: Story = {
      beganAt: Math.min(known?.beganAt ?? event.at, event.at),
      tries: (known?.tries ?? 0) + (event.kind === "try-started" ? 1 : 0),
    };
    this.#stories.delete(event.recovery);
    this.#stories.set(event.recovery, story);
    forgetOldest(this.#stories, storiesKept);
    // A story that began elsewhere (another leader) has no begin that we could tell.
    return known === undefined ? undefined : story;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const deadlines = [...this.#bounds.values()].flatMap((bound) => bound.nextDeadline() ?? []);
    if (deadlines.length === 0) return;
    const wait = Math.max(0, Math.min(...deadlines) - this.#options.clock.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = this.#options.clock.now();
      for (const [channel, bound] of this.#bounds) this.#digest(channel, bound.takeDue(now));
      this.#arm();
    }, wait + 1);
    this.#timer.unref();
  }

  #digest(channel: Channel, held: readonly Held[]): void {
    const last = held.at(-1);
    if (last === undefined) return;
    const { id, cluster, clock } = this.#options;
    const messages = held.map((one) => one.message);
    const message =
      held.length === 1 ? last.message : digestMessage(messages, cluster, id, clock.wall());
    this.#enqueue(channel, last.event, message);
  }

  #enqueue(channel: Channel, event: MeshEvent, message: Message): void {
    this.#options.enqueue({ channel: channel.kind, event, thread: message.thread, message });
  }
}
