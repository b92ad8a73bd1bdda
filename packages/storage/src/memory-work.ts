import { compareBytes } from "./byte-order.ts";
import { encodeDocument } from "./encode-document.ts";
import { fencedError, StoreHeldError } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Claim, Fence, Holder, Work } from "./store.ts";
import { type Clock, formatTimestamp } from "./timestamp.ts";
import { checkWorkName } from "./work-name.ts";

interface Item {
  readonly payload: string;
  state: "ready" | "held" | "done" | "failed";
  token: number;
  holder: Holder | undefined;
}

/** Queues in memory. A claim lasts until it is settled or the store is closed. */
export class MemoryWork implements Work {
  readonly #assertOpen: () => void;
  readonly #clock: Clock;
  readonly #queues = new Map<string, Map<string, Item>>();

  constructor(assertOpen: () => void, clock: Clock) {
    this.#assertOpen = assertOpen;
    this.#clock = clock;
  }

  async offer(queue: string, id: string, payload: Json): Promise<boolean> {
    this.#assertOpen();
    checkWorkName(queue, id);
    const text = encodeDocument(payload);
    const items = this.#queues.get(queue) ?? new Map<string, Item>();
    this.#queues.set(queue, items);
    if (items.has(id)) return false;
    items.set(id, { payload: text, state: "ready", token: 0, holder: undefined });
    return true;
  }

  async claim(
    queue: string,
    worker: string,
    options: { readonly ttlMs?: number; readonly id?: string; readonly count?: number } = {},
  ): Promise<readonly Claim[]> {
    this.#assertOpen();
    checkWorkName(queue, options.id);
    const count = checkCount(options.count);
    if (options.id !== undefined) {
      const item = this.#item(queue, options.id);
      if (item?.state === "held" && item.holder !== undefined)
        throw heldError(queue, options.id, item.holder);
      return item?.state === "ready" ? [this.#take(queue, options.id, item, worker)] : [];
    }
    const free = [...(this.#queues.get(queue) ?? [])]
      .filter(([, item]) => item.state === "ready")
      .toSorted(([a], [b]) => compareBytes(a, b));
    return free.slice(0, count).map(([id, item]) => this.#take(queue, id, item, worker));
  }

  async renew(claim: Claim): Promise<boolean> {
    this.#assertOpen();
    return this.#holds(claim);
  }

  async settle(claim: Claim, to: "done" | "failed" | "ready"): Promise<boolean> {
    this.#assertOpen();
    const item = this.#item(claim.queue, claim.id);
    if (item === undefined || !this.#holds(claim)) return false;
    item.state = to;
    item.holder = undefined;
    return true;
  }

  async holder(queue: string, id: string): Promise<Holder | undefined> {
    this.#assertOpen();
    checkWorkName(queue, id);
    return this.#item(queue, id)?.holder;
  }

  /** Throws `STORE_FENCED` unless the fence's holder still holds. */
  assertFence(fence: Fence | undefined): void {
    if (fence === undefined || this.#holds(fence)) return;
    throw fencedError(fence, this.#item(fence.queue, fence.id)?.token ?? 0);
  }

  #item(queue: string, id: string): Item | undefined {
    return this.#queues.get(queue)?.get(id);
  }

  #holds(fence: Fence): boolean {
    const item = this.#item(fence.queue, fence.id);
    return item !== undefined && item.state === "held" && item.token === fence.token;
  }

  #take(queue: string, id: string, item: Item, worker: string): Claim {
    item.state = "held";
    item.token += 1;
    item.holder = { worker, pid: process.pid, since: formatTimestamp(this.#clock()), token: item.token };
    const payload: Json = JSON.parse(item.payload);
    return { queue, id, token: item.token, payload, worker };
  }
}

/** The error for an item that another worker holds. */
export function heldError(
  queue: string,
  id: string,
  holder: Holder,
  path = `${queue}/${id}`,
  cause?: unknown,
): StoreHeldError {
  const who = [
    `"${holder.worker}"`,
    holder.pid !== undefined && `process ${holder.pid}`,
    holder.host !== undefined && `on ${holder.host}`,
    holder.since !== undefined && `since ${holder.since}`,
  ].filter((part) => part !== false);
  return new StoreHeldError(
    `Cannot claim "${queue}/${id}": it is held by ${who.join(", ")}; wait until it is done, or stop that process`,
    { path, holder, cause },
  );
}

/** How many items to claim; 1 unless told. */
export function checkCount(count = 1): number {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`count is a whole number from 1, not ${count}`);
  return count;
}
