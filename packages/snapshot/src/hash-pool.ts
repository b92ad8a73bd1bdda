import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { createFileHasher, type HashedFiles, type HashFolder } from "./hash-files.ts";

/** Files handed to a thread at a time. */
const BATCH = 128;
/** With no more files than this, starting threads costs more than it saves. */
const ALONE = 256;
/** Files above this are hashed in the caller's thread only where there are no others. */
const LARGE_BYTES = 4 * 1024 * 1024;
const MOST_THREADS = 16;
/** Batches a thread holds, so that it has work while this thread is busy walking. */
const AHEAD = 4;
const ATTEMPTS = 4;

// From the hasher's own text: a file beside this one would be left out by whoever bundles the package.
const THREAD = `
  const { parentPort } = require("node:worker_threads");
  let bytes = 0;
  const hash = (${createFileHasher.toString()})(${ATTEMPTS}, (read) => {
    bytes += read;
    if (bytes > 16777216) { parentPort.postMessage({ bytes }); bytes = 0; }
  });
  parentPort.on("message", ({ id, folders }) => {
    const hashed = hash(folders, Infinity);
    parentPort.postMessage({ id, hashed, bytes }, [hashed.stats.buffer, hashed.numbers.buffer, hashed.modes.buffer]);
    bytes = 0;
  });
`;

interface Batch {
  readonly folders: { readonly path: string; readonly names: string[] }[];
  /** Which file of the caller each is: the caller's own number. */
  readonly owners: number[];
}

/** What a thread answers: a batch that is done, or only how much it has read since it last said. */
interface Answer {
  readonly id?: number;
  readonly hashed?: HashedFiles;
  readonly bytes: number;
}

export interface HashPoolOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the results of a batch; `owners[i]` is what `add` was given for the i-th file, below 0 for one that comes later. */
  readonly onHashed: (hashed: HashedFiles, owners: readonly number[]) => void;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Hashes files on all cores while they are still being found. Measured against `checksumFiles`, which wants all paths at
 * once: folders are opened once for all their files, results come in typed arrays, and the walk goes on meanwhile.
 */
export class HashPool implements AsyncDisposable {
  readonly #options: HashPoolOptions;
  readonly #queue: Batch[] = [];
  readonly #threads: Worker[] = [];
  /** Threads by the places for batches that they have free. */
  readonly #free: Worker[] = [];
  readonly #running = new Map<number, Batch>();
  readonly #done = Promise.withResolvers<void>();
  #filling: Batch = { folders: [], owners: [] };
  #added = 0;
  #batches = 0;
  #isFinishing = false;
  #withoutThreads = false;

  constructor(options: HashPoolOptions) {
    this.#options = options;
    // It is not always waited for.
    this.#done.promise.catch(() => undefined);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether threads are at work. */
  get isBusy(): boolean {
    return this.#threads.length > 0;
  }

  /** Asks for a file of a folder (its real path). Results come in any order. */
  add(folder: string, name: string, owner: number): void {
    const batch = this.#filling;
    const last = batch.folders.at(-1);
    if (last?.path === folder) last.names.push(name);
    else batch.folders.push({ path: folder, names: [name] });
    batch.owners.push(owner);
    this.#added++;
    if (batch.owners.length >= BATCH) this.#flush();
    if (this.#added > ALONE) this.#dispatch();
  }

  /** Resolves when every file that was added has been reported. */
  async finish(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#flush();
    if (this.#threads.length === 0) await this.#hashHere(this.#queue.splice(0), LARGE_BYTES);
    this.#isFinishing = true;
    this.#dispatch();
    this.#settle();
    await this.#done.promise;
  }

  /** Ends the threads; what is not reported by then never is. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  readonly #onAbort = (): void => this.#done.reject(this.#options.signal?.reason);

  async #hashHere(batches: readonly Batch[], largest: number): Promise<void> {
    const hash = createFileHasher(ATTEMPTS, this.#options.onBytes);
    for (const { folders, owners } of batches) {
      let from = 0;
      for (const folder of folders) {
        this.#options.signal?.throwIfAborted();
        const own = owners.slice(from, from + folder.names.length);
        from += folder.names.length;
        this.#report(folder, hash([folder], largest), own);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    this.#flush();
  }

  /** Reports what was hashed here; what is too large goes to the threads. */
  #report(folder: HashFolder, hashed: HashedFiles, owners: number[]): void {
    const failures = hashed.failures.filter(({ index, failure }) => {
      if (failure !== "large") return true;
      this.add(folder.path, folder.names[index] ?? "", owners[index] ?? -1);
      owners[index] = -1;
      return false;
    });
    this.#options.onHashed({ ...hashed, failures }, owners);
  }

  #flush(): void {
    if (this.#filling.owners.length === 0) return;
    this.#queue.push(this.#filling);
    this.#filling = { folders: [], owners: [] };
  }

  #dispatch(): void {
    if (this.#queue.length > 0 && this.#threads.length === 0 && !this.#withoutThreads) this.#startThreads();
    while (this.#queue.length > 0) {
      const thread = this.#free.pop();
      if (thread === undefined) return;
      const batch = this.#queue.shift();
      if (batch === undefined) return;
      const id = this.#batches++;
      this.#running.set(id, batch);
      // A thread is no window: it has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      thread.postMessage({ id, folders: batch.folders });
    }
  }

  #startThreads(): void {
    const enough = this.#isFinishing ? this.#queue.length : MOST_THREADS;
    const count = Math.min(availableParallelism(), MOST_THREADS, enough);
    try {
      for (let index = 0; index < count; index++) {
        const thread = new Worker(THREAD, { eval: true, execArgv: [], env: {}, name: "holdfast-snapshot" });
        thread.on("message", (answer: Answer) => this.#onAnswer(thread, answer));
        thread.on("error", () => this.#doWithoutThreads());
        this.#threads.push(thread);
        for (let place = 0; place < AHEAD; place++) this.#free.unshift(thread);
      }
    } catch {
      // Threads are not allowed here.
      this.#doWithoutThreads();
    }
  }

  #onAnswer(thread: Worker, { id, hashed, bytes }: Answer): void {
    if (this.#withoutThreads) return;
    try {
      this.#options.onBytes(bytes);
      const batch = id === undefined ? undefined : this.#running.get(id);
      if (id === undefined || batch === undefined || hashed === undefined) return;
      this.#running.delete(id);
      this.#free.push(thread);
      this.#dispatch();
      this.#options.onHashed(hashed, batch.owners);
      this.#settle();
    } catch (error) {
      this.#done.reject(error);
    }
  }

  #settle(): void {
    if (!this.#isFinishing || this.#running.size > 0 || this.#filling.owners.length > 0) return;
    if (this.#queue.length === 0) this.#done.resolve();
    else if (this.#withoutThreads) {
      this.#hashHere(this.#queue.splice(0), Number.POSITIVE_INFINITY).then(
        () => this.#settle(),
        this.#done.reject,
      );
    }
  }

  /** A thread died or could not be started: what it had is done here, slower. */
  #doWithoutThreads(): void {
    if (this.#withoutThreads) return;
    this.#withoutThreads = true;
    for (const thread of this.#threads) void thread.terminate();
    this.#free.length = 0;
    this.#queue.push(...this.#running.values());
    this.#running.clear();
    this.#settle();
  }
}
