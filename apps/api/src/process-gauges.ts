import type { Gauge } from "./metrics.ts";

/** What Prometheus expects of any process, and what runs. */
export function processGauges(version: string): Array<readonly [string, Gauge]> {
  const { user, system } = process.cpuUsage();
  const started = Date.now() / 1_000 - process.uptime();
  return [
    [
      "process_resident_memory_bytes",
      { type: "gauge", help: "Resident memory.", value: process.memoryUsage.rss() },
    ],
    [
      "process_cpu_seconds_total",
      { type: "counter", help: "Processor time, user and system.", value: (user + system) / 1e6 },
    ],
    [
      "process_start_time_seconds",
      { type: "gauge", help: "When the process started, since 1970.", value: Number(started.toFixed(3)) },
    ],
    [
      "holdfast_build_info",
      {
        type: "gauge",
        help: "What runs.",
        labels: `{version="${version}",node="${process.versions.node}"}`,
        value: 1,
      },
    ],
  ];
}
