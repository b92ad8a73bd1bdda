import { dirname, join } from "node:path";
import {
  acquireLock,
  breakLock,
  type Lock,
  LockHeldError,
  type LockHolder,
  readLockHolder,
} from "@holdfast/fsutil";
import { decodeDocument, publishFile, readStoreFile } from "./document-file.ts";
import { encodeDocument } from "./encode-document.ts";
import { fencedError, StoreDamagedError } from "./errors.ts";
import type { ExclusiveSection } from "./exclusive-section.ts";
import { withStoreErrors } from "./file-errors.ts";
import type { FolderSyncer } from "./folder-syncer.ts";
import { isRecord, type Json } from "./json.ts";
import { checkCount, heldError } from "./memory-work.ts";
import type { Claim, Fence, Holder, Work } from "./store.ts";
import type { StoreFolder } from "./store-folder.ts";
import type { Clock } from "./timestamp.ts";
import { namesIn } from "./walk-keys.ts";
import { workFolderName } from "./work-folder.ts";
import { checkWorkName } from "./work-name.ts";

type State = "ready" | "done" | "failed";

interface Item {
  readonly id: string;
  readonly state: State;
  readonly payload: Json;
}

/** Queues as folders: an item is `work/<queue>/<id>/item.json` beside the lock of its holder. */
export class FileWork implements Work {
  readonly #folder: StoreFolder;
  readonly #section: ExclusiveSection;
  readonly #syncer: FolderSyncer;
  readonly #clock: Clock;
  readonly #beforeRelease: (fence: Fence) => Promise<void>;
  readonly #held = new Map<string, Lock>();
  /** Given back, but the disk failed to say so: as long as this process lives, everybody would take them for held. */
  readonly #unsaid = new Set<Lock>();

  /** `beforeRelease`: ends what writes under a fence, before another one can hold the item. */
  constructor(
    folder: StoreFolder,
    section: ExclusiveSection,
    syncer: FolderSyncer,
    clock: Clock,
    beforeRelease: (fence: Fence) => Promise<void>,
  ) {
    this.#folder = folder;
    this.#section = section;
    this.#syncer = syncer;
    this.#clock = clock;
    this.#beforeRelease = beforeRelease;
  }

  async offer(queue: string, id: string, payload: Json): Promise<boolean> {
    this.#folder.assertOpen();
    checkWorkName(queue, id);
    const text = encodeItem({ id, state: "ready", payload });
    const relative = itemPath(queue, id);
    return withStoreErrors("write", relative, async () => {
      this.#folder.makeStore();
      const { fileSystem } = this.#folder;
      const path = this.#folder.pathOf(relative);
      if (fileSystem.lstatSync(path) !== undefined) return this.#isKnown(path);
      const known = new Error("known");
      try {
        const check = (): void => {
          if (fileSystem.lstatSync(path) !== undefined) throw known;
        };
        const [section, syncer] = [this.#section, this.#syncer];
        await publishFile(fileSystem, path, Buffer.from(text), { section, syncer, check });
        return true;
      } catch (error) {
        if (error === known) return this.#isKnown(path);
        throw error;
      }
    });
  }

  async claim(
    queue: string,
    worker: string,
    options: { readonly ttlMs?: number; readonly id?: string; readonly count?: number } = {},
  ): Promise<readonly Claim[]> {
    this.#folder.assertOpen();
    checkWorkName(queue, options.id);
    const count = checkCount(options.count);
    const { id } = options;
    return withStoreErrors("write", join("work", queue), async () => {
      if (!this.#folder.canRead()) return [];
      if (id !== undefined) {
        const claim = await this.#claimFolder(queue, workFolderName(id), worker, { id });
        return claim === undefined ? [] : [claim];
      }
      const claims: Claim[] = [];
      for (const name of namesIn(
        this.#folder.fileSystem,
        this.#folder.pathOf(join("work", queue)),
      ).toSorted()) {
        if (claims.length >= count) break;
        const claim = await this.#claimFolder(queue, name, worker);
        if (claim !== undefined) claims.push(claim);
      }
      return claims;
    });
  }

  async renew(claim: Claim): Promise<boolean> {
    this.#folder.assertOpen();
    return this.#lockOf(claim)?.isHeld() ?? false;
  }

  async settle(claim: Claim, to: State): Promise<boolean> {
    this.#folder.assertOpen();
    const lock = this.#lockOf(claim);
    if (lock === undefined) return false;
    const relative = itemPath(claim.queue, claim.id);
    return withStoreErrors("write", relative, async () => {
      await this.#beforeRelease(claim);
      if (!lock.isHeld()) return false;
      if (to !== "ready") {
        const item = await this.#read(relative);
        const text = encodeItem({ id: claim.id, state: to, payload: item?.payload ?? claim.payload });
        await publishFile(this.#folder.fileSystem, this.#folder.pathOf(relative), Buffer.from(text), {
          section: this.#section,
          syncer: this.#syncer,
          check: () => lock.assertHeld(),
        });
      }
      this.#held.delete(nameOf(claim));
      this.#release(lock);
      return true;
    });
  }

  async holder(queue: string, id: string): Promise<Holder | undefined> {
    this.#folder.assertOpen();
    checkWorkName(queue, id);
    return withStoreErrors("read", itemPath(queue, id), async () => {
      if (!this.#folder.canRead()) return undefined;
      const { fileSystem } = this.#folder;
      const holder = await readLockHolder(this.#folder.pathOf(lockPath(queue, id)), { fileSystem });
      return holder && asHolder(holder);
    });
  }

  /** Takes an item from a holder that cannot be judged from here; see `FileStore.breakClaim`. */
  async breakClaim(queue: string, id: string): Promise<Holder | undefined> {
    const holder = await this.holder(queue, id);
    if (holder === undefined) return undefined;
    const folder = this.#folder.pathOf(lockPath(queue, id));
    return withStoreErrors("write", itemPath(queue, id), async () => {
      try {
        const { fileSystem } = this.#folder;
        await breakLock(folder, { token: holder.token, worker: "break-claim", fileSystem });
      } catch (error) {
        if (error instanceof LockHeldError) throw heldError(queue, id, holder, folder, error);
        throw error;
      }
      return holder;
    });
  }

  /** @throws {StoreError} `STORE_FENCED`, unless the fence is the newest of its item and was not given back. */
  assertFence(fence: Fence | undefined): void {
    if (fence === undefined) return;
    const lock = this.#lockOf(fence);
    if (lock !== undefined) {
      if (lock.isHeld()) return;
    } else if (this.#isNewest(fence)) {
      return;
    }
    throw fencedError(fence, this.#newestToken(fence), { path: itemPath(fence.queue, fence.id) });
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    for (const lock of this.#held.values()) this.#unsaid.add(lock);
    this.#held.clear();
    this.#sayAgain();
    for (const lock of this.#unsaid) this.#release(lock);
  }

  /** Gives a lock back; where the disk fails, the next claim tries again. */
  #release(lock: Lock): void {
    this.#unsaid.add(lock);
    lock.release();
    this.#unsaid.delete(lock);
  }

  #sayAgain(): void {
    for (const lock of this.#unsaid) {
      try {
        this.#release(lock);
      } catch {
        // Still not; whoever asks for the item is told that it is held.
      }
    }
  }

  async #claimFolder(
    queue: string,
    folderName: string,
    worker: string,
    wanted?: { readonly id: string },
  ): Promise<Claim | undefined> {
    const relative = join("work", queue, folderName);
    const before = await this.#read(join(relative, "item.json"));
    if (before === undefined || before.state !== "ready") return undefined;
    const { id } = before;
    this.#sayAgain();
    let lock: Lock;
    try {
      lock = await acquireLock(this.#folder.pathOf(join(relative, "lock")), {
        worker,
        fileSystem: this.#folder.fileSystem,
        now: () => new Date(Number(this.#clock() / 1_000n)),
      });
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      if (wanted === undefined) return undefined;
      const holder = error.holder === undefined ? { worker: "unknown", token: 0 } : asHolder(error.holder);
      throw heldError(queue, id, holder, this.#folder.pathOf(relative), error);
    }
    let claim: Claim | undefined;
    try {
      // Its last holder may have settled it between the look and the lock.
      const item = await this.#read(join(relative, "item.json"));
      if (item === undefined || item.state !== "ready") return undefined;
      claim = { queue, id, token: lock.token, payload: item.payload, worker };
      this.#held.set(nameOf(claim), lock);
      return claim;
    } finally {
      // Whatever went wrong: a lock that no claim stands for would keep everybody out until this process ends.
      if (claim === undefined) {
        this.#unsaid.add(lock);
        this.#sayAgain();
      }
    }
  }

  /** Whoever offered it may have died before its name was durable; the one who asks now relies on it. */
  async #isKnown(path: string): Promise<false> {
    await this.#syncer.sync(dirname(path));
    return false;
  }

  async #read(relative: string): Promise<Item | undefined> {
    const bytes = await readStoreFile(this.#folder, relative);
    if (bytes === undefined) return undefined;
    const path = this.#folder.pathOf(relative);
    const value = decodeDocument(bytes, path);
    const { id, state, payload } = isRecord(value) ? value : {};
    const isState = state === "ready" || state === "done" || state === "failed";
    if (typeof id !== "string" || !isState || payload === undefined) {
      throw new StoreDamagedError(`Cannot read "${path}": it is no item of a queue; restore it from a copy`, {
        path,
      });
    }
    const item: Json = JSON.parse(JSON.stringify(payload));
    return { id, state, payload: item };
  }

  #lockOf(fence: Fence): Lock | undefined {
    const lock = this.#held.get(nameOf(fence));
    return lock?.token === fence.token ? lock : undefined;
  }

  /** For a fence of another process: what is on the disk decides, by the names that architecture.md gives epochs. */
  #isNewest(fence: Fence): boolean {
    const { queue, id, token } = fence;
    const { fileSystem, root } = this.#folder;
    if (!this.#folder.canRead() || this.#newestToken(fence) !== token) return false;
    return fileSystem.lstatSync(join(root, lockPath(queue, id), `epoch-${token}.released`)) === undefined;
  }

  #newestToken({ queue, id }: Fence): number {
    const names = namesIn(this.#folder.fileSystem, join(this.#folder.root, lockPath(queue, id)));
    return Math.max(0, ...names.map((name) => Number(/^epoch-(\d+)$/.exec(name)?.[1] ?? 0)));
  }
}

function nameOf({ queue, id }: { readonly queue: string; readonly id: string }): string {
  return `${queue}/${id}`;
}

/** The path below the root of an item's document. */
function itemPath(queue: string, id: string): string {
  return join("work", queue, workFolderName(id), "item.json");
}

function lockPath(queue: string, id: string): string {
  return join(dirname(itemPath(queue, id)), "lock");
}

function encodeItem(item: Item): string {
  return encodeDocument({ schema: "holdfast/work-item/v1", ...item });
}

function asHolder({ worker, pid, host, since, token }: LockHolder): Holder {
  return { worker, pid, host, since, token };
}
