/** Upper bounds of the buckets of request times, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** Streams whose corrupt lines are told apart; those of further ones are summed up. */
const MAX_STREAMS = 1_000;

interface Times {
  readonly buckets: number[];
  count: number;
  sum: number;
}

/**
 * What the server counts, as Prometheus reads it. Labels are routes, not paths: their number is bounded.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/ | Prometheus: text exposition format}
 */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #times = new Map<string, Times>();
  readonly #corrupt = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  #eventsTailed = 0;

  /** A request was answered. `route`: its path with parameters in braces. */
  answered(route: string, method: string, status: number, seconds: number): void {
    const labels = `method="${method}",route="${escape(route)}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    let times = this.#times.get(route);
    if (times === undefined) {
      times = { buckets: BUCKETS.map(() => 0), count: 0, sum: 0 };
      this.#times.set(route, times);
    }
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) times.buckets[bucket] = (times.buckets[bucket] ?? 0) + 1;
    times.count += 1;
    times.sum += seconds;
  }

  /** A connection was ended before there was a request to answer: `reason` is a problem code, or `slow_reader`. */
  refused(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** How many lines of a stream were skipped when it was last read. */
  corruptLines(simulationId: string, lines: number): void {
    if (lines === 0) this.#corrupt.delete(simulationId);
    else
      this.#corrupt.set(
        this.#corrupt.size < MAX_STREAMS || this.#corrupt.has(simulationId) ? simulationId : "",
        lines,
      );
  }

  /** An event was sent to a live tail. */
  tailed(): void {
    this.#eventsTailed += 1;
  }

  /** The text of `/metrics`. `gauges`: what is counted elsewhere, by name. */
  render(gauges: ReadonlyMap<string, Gauge>): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    };
    family("holdfast_http_requests_total", "counter", "Requests that were answered.");
    for (const [labels, count] of this.#requests)
      lines.push(`holdfast_http_requests_total{${labels}} ${count}`);
    family(
      "holdfast_http_request_duration_seconds",
      "histogram",
      "Time until an answer stood, without sending it.",
    );
    for (const [route, times] of this.#times) lines.push(...histogram(route, times));
    family("holdfast_http_connections_ended_total", "counter", "Connections ended by the server, by reason.");
    for (const [reason, count] of this.#refused) {
      lines.push(`holdfast_http_connections_ended_total{reason="${escape(reason)}"} ${count}`);
    }
    family("holdfast_tailed_events_total", "counter", "Events sent to live tails.");
    lines.push(`holdfast_tailed_events_total ${this.#eventsTailed}`);
    family(
      "holdfast_corrupt_lines",
      "gauge",
      "Lines of an event stream that were skipped when it was last read.",
    );
    for (const [id, count] of this.#corrupt)
      lines.push(`holdfast_corrupt_lines{simulation_id="${escape(id)}"} ${count}`);
    for (const [name, { type, help, labels = "", value }] of gauges) {
      family(name, type, help);
      lines.push(`${name}${labels} ${value}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

/** Something that is read when it is asked for. */
export interface Gauge {
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly value: number;
  readonly labels?: string;
}

function histogram(route: string, { buckets, count, sum }: Times): string[] {
  const name = "holdfast_http_request_duration_seconds";
  const label = `route="${escape(route)}"`;
  let below = 0;
  return [
    ...BUCKETS.map((bound, index) => {
      below += buckets[index] ?? 0;
      return `${name}_bucket{${label},le="${bound}"} ${below}`;
    }),
    `${name}_bucket{${label},le="+Inf"} ${count}`,
    `${name}_sum{${label}} ${sum}`,
    `${name}_count{${label}} ${count}`,
  ];
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
