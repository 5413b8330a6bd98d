// The process itself: which build runs, what it costs, and how late its main thread is.

import { readdirSync } from "node:fs";
import type { Duration } from "../../proto/units.ts";
import { Histogram, latenessBounds, type HistogramView } from "../core/histogram.ts";
import { version } from "../version.ts";
import type { Exposition } from "./exposition.ts";

/** How often the main thread's lateness is looked at. */
const lookEvery: Duration = 100;

export class ProcessGauge {
  readonly #lateness = new Histogram(latenessBounds);
  readonly #startedAt = Date.now() / 1000 - process.uptime();
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    let dueAt = performance.now() + lookEvery;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lateness.observe(now - dueAt);
      dueAt = now + lookEvery;
    }, lookEvery).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of the main thread's timers. */
  get lateness(): HistogramView {
    return this.#lateness.view();
  }

  show(text: Exposition, own: { readonly coordinator: string; readonly cluster: string }): void {
    text.gauge("heartmesh_build_info", "1; which coordinator this is, and what runs.", [
      [{ ...own, version, node_version: process.version }, 1],
    ]);
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    text.counter(
      "process_cpu_seconds_total",
      "Processor time of all threads.",
      (user + system) / 1e6,
    );
    text.gauge("process_resident_memory_bytes", "Resident memory.", rss);
    text.gauge(
      "nodejs_heap_size_used_bytes",
      "Memory of the main thread's JavaScript heap.",
      heapUsed,
    );
    text.gauge("process_start_time_seconds", "When it started, since 1970.", this.#startedAt);
    const descriptors = openDescriptors();
    if (descriptors !== undefined) {
      text.gauge("process_open_fds", "Open file descriptors.", descriptors);
    }
  }
}

/** Undefined where the system does not tell. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
