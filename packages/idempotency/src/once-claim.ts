import { type Claim, type Fence, type Store, StoreHeldError } from "@holdfast/storage";
import { IdempotencyError } from "./errors.ts";
import type { OncePlace, OnceRecord } from "./once-record.ts";

/** The queue of which every key that is not worked on under somebody's own claim is an item. */
const ONCE_QUEUE = "once";

/** The right to run one piece of work: what its writes are fenced by, until it is given back. */
export interface OnceClaim {
  readonly fence: Fence;
  /** Aborts with `ONCE_LOST` when the claim is lost. */
  readonly lost: AbortSignal;
  /** Never rejects. */
  release(): Promise<void>;
}

/** How claims are made. */
export interface OnceClaimOptions {
  readonly worker: string;
  readonly leaseMs: number;
  /** Held by the caller already, for everything it does. */
  readonly fence: Fence | undefined;
}

/** Claims a piece of work; `undefined` when another holds it. */
export async function claimOnce(
  store: Store,
  place: OncePlace,
  options: OnceClaimOptions,
): Promise<OnceClaim | undefined> {
  const { worker, leaseMs, fence } = options;
  if (fence !== undefined)
    return { fence, lost: new AbortController().signal, release: async () => undefined };
  let claim: Claim | undefined;
  try {
    await store.work.offer(ONCE_QUEUE, place.hex, { key: place.key });
    [claim] = await store.work.claim(ONCE_QUEUE, worker, { id: place.hex, ttlMs: leaseMs });
  } catch (error) {
    if (error instanceof StoreHeldError) return undefined;
    throw error;
  }
  return claim === undefined ? undefined : keepClaim(store, claim, leaseMs);
}

/** Whether the runner of an intent is alive and still holds it, under a claim that is not `own`. */
export async function hasLivingRunner(store: Store, record: OnceRecord, own?: Fence): Promise<boolean> {
  const { queue, id, token } = record.claim;
  if (own !== undefined && own.queue === queue && own.id === id) return false;
  const holder = await store.work.holder(queue, id);
  return holder !== undefined && holder.token === token;
}

function keepClaim(store: Store, claim: Claim, leaseMs: number): OnceClaim {
  const lost = new AbortController();
  const lose = (cause?: unknown): void => {
    const message = `Cannot go on with "${claim.id}": its claim was lost; another process may run it`;
    lost.abort(new IdempotencyError("ONCE_LOST", message, cause === undefined ? {} : { cause }));
  };
  // Three times in a lease: two may be late. It alone does not keep a process alive.
  const timer = setInterval(() => {
    store.work.renew(claim).then((held) => held || lose(), lose);
  }, leaseMs / 3);
  timer.unref();
  return {
    fence: claim,
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      // Back to "ready", never "done": the record says what is done, and an item must stay claimable for repair and retry.
      // A claim that cannot be given back ends with the process; the outcome is recorded, and an error here would hide it.
      await store.work.settle(claim, "ready").catch(() => false);
    },
  };
}
