import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { createFileHasher, type FileHasher, type HashedFiles, type HashFolder } from "./hash-files.ts";

/** Files handed to a thread at a time. */
const BATCH = 128;
/** With no more files than this, starting threads costs more than it saves. */
const ALONE = 256;
/** Files above this are hashed in the caller's thread only where there are no others. */
const LARGE_BYTES = 4 * 1024 * 1024;
/** Each takes some 12 MiB, and the disk has no more to give. */
const MOST_THREADS = 8;
/** Batches a thread holds, so that it has work while this thread is busy walking. */
const AHEAD = 4;
/** The same while this thread hashes as well: what they hold at the end, this thread can only wait for. */
const AHEAD_AT_END = 2;
/** Batches that wait for a thread. */
const MOST_WAITING = 32;
/** Small files that this thread hashes before others have their turn. */
const FILES_A_TURN = 128;
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
    parentPort.postMessage({ id, hashed, bytes }, [hashed.stats.buffer, hashed.modes.buffer, hashed.digests.buffer]);
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
  /** Called with results; `owners[i]` is what `add` was given for the i-th file of the folders, below 0 for one that comes later. */
  readonly onHashed: (hashed: HashedFiles, owners: readonly number[], folders: readonly HashFolder[]) => void;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Hashes files on all cores while they are still being found. Measured against `checksumFiles`, which wants all paths at
 * once: folders are opened once for all their files, results come in typed arrays, and the walk goes on meanwhile.
 */
export class HashPool implements AsyncDisposable {
  readonly #options: HashPoolOptions;
  readonly #queue: Batch[] = [];
  /** What this thread would be busy with for too long. */
  readonly #large: Batch[] = [];
  readonly #threads: Worker[] = [];
  /** Threads by the places for batches that they have free. */
  readonly #free: Worker[] = [];
  readonly #running = new Map<number, Batch>();
  readonly #done = Promise.withResolvers<void>();
  #hash: FileHasher | undefined;
  #filling: Batch = { folders: [], owners: [] };
  #added = 0;
  #batches = 0;
  #isFinishing = false;
  #isHelping = false;
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

  /** Whether so much is waiting that the caller should stop and let it be hashed: memory does not grow with what waits. */
  get isFull(): boolean {
    return this.#queue.length > MOST_WAITING;
  }

  /** Hashes some of what waits, on this thread, until there is room again. */
  async makeRoom(): Promise<void> {
    this.#isHelping = true;
    await this.#hashHere(MOST_WAITING / 2);
    this.#isHelping = false;
  }

  /** Resolves when every file that was added has been reported. This thread takes its share, in short turns. */
  async finish(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#flush();
    this.#isFinishing = true;
    await this.#help();
    await this.#done.promise;
  }

  /** Ends the threads; what is not reported by then never is. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  readonly #onAbort = (): void => this.#done.reject(this.#options.signal?.reason);

  async #help(): Promise<void> {
    if (this.#isHelping) return;
    this.#isHelping = true;
    try {
      await this.#hashHere();
      this.#isHelping = false;
      this.#settle();
    } catch (error) {
      this.#done.reject(error);
    }
  }

  async #hashHere(until = 0): Promise<void> {
    this.#hash ??= createFileHasher(ATTEMPTS, this.#options.onBytes);
    for (let batch = this.#take(until); batch !== undefined; batch = this.#take(until)) {
      const largest = this.#withoutThreads ? Number.POSITIVE_INFINITY : LARGE_BYTES;
      let from = 0;
      for (const folder of batch.folders) {
        this.#options.signal?.throwIfAborted();
        const to = from + folder.names.length;
        this.#report(folder, this.#hash([folder], largest), batch.owners.slice(from, to));
        from = to;
        if (from % FILES_A_TURN < folder.names.length)
          await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    this.#dispatch();
  }

  #take(until: number): Batch | undefined {
    if (until > 0 && this.#queue.length <= until) return undefined;
    return this.#queue.shift() ?? (this.#withoutThreads ? this.#large.shift() : undefined);
  }

  /** Reports what was hashed here; what is too large is left to the threads. */
  #report(folder: HashFolder, hashed: HashedFiles, owners: number[]): void {
    const failures = hashed.failures.filter(({ index, failure }) => {
      if (failure !== "large") return true;
      const names = [folder.names[index] ?? ""];
      this.#large.push({ folders: [{ path: folder.path, names }], owners: [owners[index] ?? -1] });
      owners[index] = -1;
      return false;
    });
    this.#options.onHashed({ ...hashed, failures }, owners, [folder]);
  }

  #flush(): void {
    if (this.#filling.owners.length === 0) return;
    this.#queue.push(this.#filling);
    this.#filling = { folders: [], owners: [] };
  }

  #dispatch(): void {
    const waiting = this.#large.length > 0 || (this.#queue.length > 0 && this.#added > ALONE);
    if (waiting && this.#threads.length === 0 && !this.#withoutThreads) this.#startThreads();
    const most = this.#threads.length * (this.#isFinishing ? AHEAD_AT_END : AHEAD);
    for (let thread = this.#free.pop(); thread !== undefined; thread = this.#free.pop()) {
      const batch = this.#running.size < most ? (this.#large.shift() ?? this.#queue.shift()) : undefined;
      if (batch === undefined) {
        this.#free.push(thread);
        return;
      }
      const id = this.#batches++;
      this.#running.set(id, batch);
      // A thread is no window: it has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      thread.postMessage({ id, folders: batch.folders });
    }
  }

  #startThreads(): void {
    const batches = this.#isFinishing ? this.#large.length + this.#queue.length : MOST_THREADS;
    // This thread is one of them.
    const count = Math.min(Math.max(1, availableParallelism() - 1), MOST_THREADS, batches);
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
      this.#options.onHashed(hashed, batch.owners, batch.folders);
      this.#settle();
    } catch (error) {
      this.#done.reject(error);
    }
  }

  #settle(): void {
    const left = this.#running.size + this.#queue.length + this.#large.length;
    if (this.#isFinishing && !this.#isHelping && left === 0) this.#done.resolve();
  }

  /** A thread died or could not be started: what it had is done here, slower. */
  #doWithoutThreads(): void {
    if (this.#withoutThreads) return;
    this.#withoutThreads = true;
    for (const thread of this.#threads) void thread.terminate();
    this.#free.length = 0;
    this.#queue.push(...this.#running.values());
    this.#running.clear();
    if (this.#isFinishing) void this.#help();
  }
}
