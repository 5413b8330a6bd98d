// Prometheus' text exposition format 0.0.4, and nothing else. Durations come in ms and leave in seconds.
//
// Not prom-client: most figures are counted in the mesh thread and come as a picture, and its counters and histograms can only be
// counted up, in the thread that has them. What it would save is this file.

import type { HistogramView } from "../core/histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** What is to be shown of one name. */
export type Samples = readonly (readonly [Labels, number])[];

export class Exposition {
  readonly #lines: string[] = [];

  /** Without samples the name is declared all the same, as with the next two. */
  gauge(name: string, help: string, samples: Samples | number): void {
    this.#family(name, "gauge", help, samples);
  }

  /** @param name ends in `_total` */
  counter(name: string, help: string, samples: Samples | number): void {
    this.#family(name, "counter", help, samples);
  }

  /** @param name ends in `_seconds` */
  histogram(
    name: string,
    help: string,
    samples: readonly (readonly [Labels, HistogramView])[],
  ): void {
    this.#head(name, "histogram", help);
    for (const [labels, { bounds, counts, sum }] of samples) {
      let count = 0;
      for (const [at, own] of counts.entries()) {
        count += own;
        const bound = bounds[at];
        const le = bound === undefined ? "+Inf" : String(bound / 1000);
        this.#sample(`${name}_bucket`, { ...labels, le }, count);
      }
      this.#sample(`${name}_sum`, labels, sum / 1000);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  #family(name: string, type: "gauge" | "counter", help: string, samples: Samples | number): void {
    const all: Samples = typeof samples === "number" ? [[{}, samples]] : samples;
    this.#head(name, type, help);
    for (const [labels, value] of all) this.#sample(name, labels, value);
  }

  #head(name: string, type: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  #sample(name: string, labels: Labels, value: number): void {
    this.#lines.push(`${name}${labelText(labels)} ${value}`);
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
