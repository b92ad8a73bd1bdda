import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { createFileHasher, type HashedFiles, type HashFolder } from "./hash-files.ts";

/** Files handed to a worker at a time. */
const BATCH = 128;
/** With no more files than this, starting threads costs more than it saves. */
const ALONE = 256;
/** Files above this are never hashed in the caller's thread. */
const LARGE_BYTES = 4 * 1024 * 1024;
const MOST_WORKERS = 16;
/** Batches a worker holds, so that it has work while this thread is busy walking. */
const AHEAD = 4;
const ATTEMPTS = 4;

const WORKER = `
  const { parentPort } = require("node:worker_threads");
  let bytes = 0;
  const hash = (${createFileHasher.toString()})(${ATTEMPTS}, (read) => {
    bytes += read;
    if (bytes > 16777216) { parentPort.postMessage({ bytes }); bytes = 0; }
  });
  parentPort.on("message", ({ batch, folders }) => {
    const hashed = hash(folders, Infinity);
    parentPort.postMessage({ batch, hashed, bytes }, [hashed.stats.buffer, hashed.numbers.buffer, hashed.modes.buffer]);
    bytes = 0;
  });
`;

/** Which file of the caller a hashed file is: the caller's own number. */
interface Batch {
  readonly folders: { path: string; names: string[] }[];
  readonly owners: number[];
}

export interface HashPoolOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the results of a batch; `owners[i]` is what `add` was given for the i-th file. */
  onHashed(hashed: HashedFiles, owners: readonly number[]): void;
  onBytes(bytes: number): void;
}

/** Hashes files on all cores while they are still being found. */
export class HashPool {
  readonly #options: HashPoolOptions;
  readonly #queue: Batch[] = [];
  readonly #workers: Worker[] = [];
  readonly #running = new Map<number, Batch>();
  readonly #idle: Worker[] = [];
  #filling: Batch = { folders: [], owners: [] };
  #waiting = 0;
  #nextBatch = 0;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #failed: { error: unknown } | undefined;

  constructor(options: HashPoolOptions) {
    this.#options = options;
  }

  /** Asks for a file of a folder (its real path). Results come in any order. */
  add(folder: string, name: string, owner: number): void {
    const batch = this.#filling;
    const last = batch.folders.at(-1);
    if (last?.path === folder) last.names.push(name);
    else batch.folders.push({ path: folder, names: [name] });
    batch.owners.push(owner);
    this.#waiting++;
    if (batch.owners.length >= BATCH) this.#flush();
  }

  /** Whether threads are at work. */
  get busy(): boolean {
    return this.#workers.length > 0;
  }

  /** Resolves when every file that was added has been reported. */
  async finish(): Promise<void> {
    if (this.#workers.length === 0) await this.#hashHere();
    this.#flush();
    if (this.#queue.length > 0) this.#startWorkers();
    if (this.#failed !== undefined) throw this.#failed.error;
    if (this.#queue.length === 0 && this.#running.size === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Ends the threads; what is not reported by then never is. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #hashHere(): Promise<void> {
    const hash = createFileHasher(ATTEMPTS, this.#options.onBytes);
    const batches = [...this.#queue.splice(0), this.#filling];
    this.#filling = { folders: [], owners: [] };
    for (const { folders, owners } of batches) {
      let from = 0;
      for (const folder of folders) {
        this.#options.signal?.throwIfAborted();
        const own = owners.slice(from, from + folder.names.length);
        from += folder.names.length;
        const hashed = hash([folder], LARGE_BYTES);
        const large = new Set(
          hashed.failures.filter(({ failure }) => failure === "large").map(({ index }) => index),
        );
        for (const index of large) this.add(folder.path, folder.names[index] as string, own[index] as number);
        this.#options.onHashed(
          { ...hashed, failures: hashed.failures.filter(({ index }) => !large.has(index)) },
          own.map((owner, index) => (large.has(index) ? -1 : owner)),
        );
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
  }

  #flush(): void {
    if (this.#filling.owners.length === 0) return;
    this.#queue.push(this.#filling);
    this.#filling = { folders: [], owners: [] };
    if (this.#workers.length > 0) this.#dispatch();
    else if (this.#waiting > ALONE) this.#startWorkers();
  }

  #startWorkers(): void {
    if (this.#workers.length === 0) {
      const count = Math.min(availableParallelism(), MOST_WORKERS);
      for (let index = 0; index < count; index++) {
        const worker = new Worker(WORKER, { eval: true, execArgv: [], env: {} });
        worker.on("message", (message: { batch?: number; hashed: HashedFiles; bytes: number }) =>
          this.#onMessage(worker, message),
        );
        worker.on("error", (error) => this.#fail(error));
        this.#workers.push(worker);
        for (let place = 0; place < AHEAD; place++) this.#idle.unshift(worker);
      }
    }
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#idle.length > 0) {
      const batch = this.#queue.shift();
      if (batch === undefined) return;
      const id = this.#nextBatch++;
      this.#running.set(id, batch);
      (this.#idle.pop() as Worker).postMessage({ batch: id, folders: batch.folders satisfies HashFolder[] });
    }
  }

  #onMessage(worker: Worker, message: { batch?: number; hashed: HashedFiles; bytes: number }): void {
    try {
      this.#options.onBytes(message.bytes);
      if (message.batch === undefined) return;
      const batch = this.#running.get(message.batch);
      this.#running.delete(message.batch);
      this.#idle.push(worker);
      this.#dispatch();
      if (batch !== undefined) this.#options.onHashed(message.hashed, batch.owners);
      if (this.#queue.length === 0 && this.#running.size === 0) this.#settle?.resolve();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed ??= { error };
    this.#settle?.reject(error);
  }
}
