// A process that does work once, for crash.test.ts; argv[2] is an Order. It kills itself where it is told to, as an outage would.
import { appendFileSync } from "node:fs";
import { argv, kill, pid, stdout } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore, type Store } from "@holdfast/storage";
import { onceStore } from "../src/index.ts";

/** What the process is to do. */
export interface Order {
  readonly root: string;
  /** A line is appended to it each time the work begins, and each time it ends. */
  readonly effects: string;
  readonly keys: readonly string[];
  readonly workMs: number;
  /** Kill before or after the n-th call of the store, from 1. */
  readonly killAt?: number;
  readonly killWhen?: "before" | "after";
  /** Kill in the middle of the work. */
  readonly killInWork?: boolean;
}

const order: Order = JSON.parse(argv[2] ?? "");
let calls = 0;

function die(): never {
  kill(pid, "SIGKILL");
  // Until the signal arrives.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("unreachable");
}

/** Counts every call of a part of the store. */
function counted<T extends object>(part: T): T {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]): Promise<unknown> => {
        calls += 1;
        const isIt = calls === order.killAt;
        if (isIt && order.killWhen === "before") die();
        const result: unknown = await Reflect.apply(value, target, given);
        if (isIt && order.killWhen === "after") die();
        return result;
      };
    },
  });
}

const files = fileStore(order.root);
const store: Store = {
  capabilities: files.capabilities,
  documents: counted(files.documents),
  logs: files.logs,
  objects: files.objects,
  work: counted(files.work),
  locate: (place) => files.locate(place),
  close: () => files.close(),
  [Symbol.asyncDispose]: () => files.close(),
};
const once = onceStore(store, { pollMs: 10 });
stdout.write("up\n");
for (const key of order.keys) {
  const result = await once.once(key, { for: key }, async ({ attempt }) => {
    appendFileSync(order.effects, `begin ${key}\n`);
    await sleep(order.workMs);
    if (order.killInWork === true) die();
    appendFileSync(order.effects, `end ${key}\n`);
    return { by: pid, attempt };
  });
  stdout.write(`ack ${key} ${JSON.stringify(result)}\n`);
}
stdout.write(`calls ${calls}\n`);
await store.close();
