import { Worker } from "node:worker_threads";
import type { HashOrder, HashReport } from "./hash-messages.ts";

/** Some worker threads that hash; none of them outlives `close()`. */
export interface HashThreads extends AsyncDisposable {
  /** Resolves when every thread has finished the order or died. Never rejects: what was not reported is not done. */
  hash(order: Omit<HashOrder, "id">, onReport: (report: HashReport) => void): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts worker threads. It cannot fail: where threads are not allowed, or the worker's file was left out by a bundler, there are none, and whoever
 * asked does the work itself.
 */
export function startHashThreads(count: number): HashThreads {
  // Beside this file, with its extension: TypeScript when run from the sources, JavaScript in the package.
  const url = new URL(
    import.meta.url.endsWith(".ts") ? "./hash-worker.ts" : "./hash-worker.js",
    import.meta.url,
  );
  const workers = new Set<Worker>();
  let orders = 0;
  for (let i = 0; i < count; i += 1) {
    const worker = startWorker(url);
    if (worker === undefined) break;
    workers.add(worker);
    worker.on("error", () => workers.delete(worker));
    worker.on("exit", () => workers.delete(worker));
  }
  const close = async (): Promise<void> => {
    await Promise.all([...workers].map((worker) => worker.terminate()));
  };
  return {
    async hash(order, onReport) {
      const id = ++orders;
      await Promise.all([...workers].map((worker) => hashIn(worker, { ...order, id }, onReport)));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function startWorker(url: URL): Worker | undefined {
  try {
    // Without the parent's flags and environment: it needs none, and loaders would only make it slow to start.
    return new Worker(url, { execArgv: [], env: {}, name: "holdfast-checksum" });
  } catch {
    return undefined;
  }
}

function hashIn(worker: Worker, order: HashOrder, onReport: (report: HashReport) => void): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      worker.off("message", onMessage);
      worker.off("error", end);
      worker.off("exit", end);
      resolve();
    };
    const onMessage = (report: HashReport): void => {
      // A thread that came up late still answers an order that was done without it.
      if (report.id !== order.id) return;
      onReport(report);
      if (report.finished) end();
    };
    worker.on("message", onMessage);
    worker.on("error", end);
    worker.on("exit", end);
    // A worker is no window: it has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(order);
  });
}
