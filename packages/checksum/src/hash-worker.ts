// Entry of a worker thread: hashes files with calls that block, for checksumFiles(). Not a public entry.
import { parentPort } from "node:worker_threads";
import { ChecksumError } from "./errors.ts";
import type { FileChecksum } from "./file-checksum.ts";
import { hashFileSync } from "./hash-file-sync.ts";
import {
  type HashOrder,
  type HashReport,
  NEXT_PATH,
  packResults,
  type SentError,
  STOPPED,
  sentErrorOf,
} from "./hash-messages.ts";

/** Reports are gathered this long: one message a file would cost more than a small file's hash. */
const REPORT_MS = 10;

class Stopped extends Error {}

const port = parentPort;
if (port === null)
  throw new Error("hash-worker is a worker thread of checksumFiles() and does nothing by itself");
const buffer = new Uint8Array(1024 * 1024);

port.on("message", ({ id, paths, shared, followSymlinks }: HashOrder) => {
  let done: [number, FileChecksum][] = [];
  let failed: [number, SentError][] = [];
  let bytes = 0;
  let reportedAt = performance.now();
  const report = (finished: boolean): void => {
    port.postMessage({ id, done: packResults(done), failed, bytes, finished } satisfies HashReport);
    done = [];
    failed = [];
    bytes = 0;
    reportedAt = performance.now();
  };
  const onBytes = (count: number): void => {
    bytes += count;
    if (Atomics.load(shared, STOPPED) !== 0) throw new Stopped();
    if (performance.now() - reportedAt > REPORT_MS) report(false);
  };
  while (Atomics.load(shared, STOPPED) === 0) {
    const index = Atomics.add(shared, NEXT_PATH, 1);
    const path = paths[index];
    if (path === undefined) break;
    try {
      // First the result, then the list: reading may report, which begins a new list.
      const result = hashFileSync(path, { followSymlinks, buffer, onBytes });
      done.push([index, result]);
    } catch (error) {
      if (error instanceof Stopped) break;
      if (!(error instanceof ChecksumError)) throw error;
      failed.push([index, sentErrorOf(error, path)]);
    }
    if (performance.now() - reportedAt > REPORT_MS) report(false);
  }
  report(true);
});
