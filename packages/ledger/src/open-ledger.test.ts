import { type Fence, memoryStore, type Store, StoreError } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyMessage, command, event, heartbeat, log } from "../test/messages.ts";
import { storeOfLines, storeWith } from "../test/store-with.ts";
import { LedgerError, type LedgerRecord, type MessageInput, openLedger, readLedger } from "./index.ts";

const KEY = "runs/r/ledger";

async function claimRun(store: Store, worker: string): Promise<Fence> {
  await store.work.offer("runs", "r", {});
  const [claim] = await store.work.claim("runs", worker, { id: "r" });
  if (claim === undefined) throw new Error("not claimed");
  return claim;
}

/** A store whose n-th append (from 1) does something else. */
function withAppend(
  store: Store,
  instead: (n: number, go: () => ReturnType<Store["logs"]["append"]>) => ReturnType<Store["logs"]["append"]>,
): Store {
  let calls = 0;
  return storeWith(store, {
    append: (...args) => {
      calls += 1;
      return instead(calls, () => store.logs.append(...args));
    },
  });
}

function codes(settled: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return settled.map((result) => {
    if (result.status === "fulfilled") return "ok";
    const { reason }: { reason: unknown } = result;
    return reason instanceof LedgerError ? reason.code : reason;
  });
}

describe("append() and replay()", () => {
  it("any sequence of messages comes back, over any number of openings, in the order of the calls", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyMessage, { maxLength: 6 }), { maxLength: 4 }),
        async (sessions) => {
          await using store = memoryStore();
          const returned: LedgerRecord[] = [];
          for (const messages of sessions) {
            await using ledger = await openLedger(store, "r");
            expect(ledger.head.seq).toBe(returned.length);
            returned.push(...(await Promise.all(messages.map((message) => ledger.append(message)))));
          }
          const records = await Array.fromAsync(readLedger(store, "r").replay());
          expect(records).toEqual(returned);
          expect(records.map(({ message }) => message)).toEqual(sessions.flat());
          expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
          expect((await readLedger(store, "r").verifyChain()).ok).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("keeps a heartbeat's own seq beside the line's", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r");
    await ledger.append(log("first"));
    const record = await ledger.append(heartbeat(41));
    expect([record.seq, record.message]).toEqual([2, heartbeat(41)]);
    const [text = ""] = await Array.fromAsync(store.logs.read(KEY, { from: 2 }), (line) => line.text);
    const line: Record<string, unknown> = JSON.parse(text);
    expect([line["seq"], line["agent_seq"]]).toEqual([2, 41]);
    expect(await Array.fromAsync(ledger.replay({ from: 2 }))).toEqual([record]);
  });

  it("shares one write between the callers that wait", async () => {
    await using memory = memoryStore();
    let appends = 0;
    const store = withAppend(memory, async (n, go) => {
      appends = n;
      return go();
    });
    await using ledger = await openLedger(store, "r");
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => ledger.append(log(`${n}`))));
    expect(appends).toBeLessThanOrEqual(2);
  });

  it("a message that is refused leaves no trace, also between others", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r");
    const nonsense: MessageInput = JSON.parse('{"kind":"log"}');
    const proto: Record<string, unknown> = JSON.parse('{"__proto__":1}');
    const settled = await Promise.allSettled([
      ledger.append(log("a")),
      ledger.append(nonsense),
      ledger.append(log("x".repeat(300_000))),
      ledger.append(log("", { fields: { n: Number.NaN } })),
      ledger.append(log("", { chain: "" })),
      ledger.append(log("", { agent_seq: 1 })),
      ledger.append(log("", { fields: proto })),
      ledger.append(log("b")),
    ]);
    const refused = "LEDGER_MESSAGE";
    expect(codes(settled)).toEqual([
      "ok",
      refused,
      "LEDGER_MESSAGE_TOO_LARGE",
      refused,
      refused,
      refused,
      refused,
      "ok",
    ]);
    expect(await Array.fromAsync(ledger.replay(), ({ message }) => message)).toEqual([log("a"), log("b")]);
    expect((await ledger.verifyChain()).ok).toBe(true);
  });

  it("takes a message of exactly 262,144 bytes with its newline, whatever the ledger adds", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r");
    const room = 262_144 - JSON.stringify(log("")).length - 1;
    const beatRoom = 262_144 - JSON.stringify(heartbeat(1, { extra: "" })).length - 1;
    await ledger.append(log("x".repeat(room)));
    await ledger.append(heartbeat(1, { extra: "x".repeat(beatRoom) }));
    const settled = await Promise.allSettled([
      ledger.append(log("x".repeat(room + 1))),
      ledger.append(heartbeat(1, { extra: "x".repeat(beatRoom + 1) })),
    ]);
    expect(codes(settled)).toEqual(["LEDGER_MESSAGE_TOO_LARGE", "LEDGER_MESSAGE_TOO_LARGE"]);
    expect((await ledger.verifyChain()).ok).toBe(true);
  });

  it("writes what the message was when append() was called", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r");
    const message = log("then");
    const done = ledger.append(message);
    message.message = "now";
    await done;
    expect(await Array.fromAsync(ledger.replay(), (record) => record.message)).toEqual([log("then")]);
  });

  it("log() takes the time from the clock", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r", { clock: () => 1_767_323_045_123_456n });
    const { message } = await ledger.log("warn", "careful", { n: 1 });
    expect(message).toEqual({
      kind: "log",
      level: "warn",
      message: "careful",
      fields: { n: 1 },
      timestamp: "2026-01-02T03:04:05.123456Z",
    });
  });
});

describe("failures", () => {
  it("after a failed append nothing is accepted, wherever it happens, and a new opening goes on from what is stored", async () => {
    for (const stored of [false, true]) {
      for (let at = 1; at <= 4; at += 1) {
        await using memory = memoryStore();
        const store = withAppend(memory, async (n, go) => {
          if (n < at) return go();
          // The write may have happened although its answer says otherwise.
          if (stored) await go();
          throw new StoreError("STORE_NO_SPACE", "disk full");
        });
        const ledger = await openLedger(store, "r");
        const acknowledged: LedgerRecord[] = [];
        for (let n = 1; n <= 3; n += 1) {
          const settled = await Promise.allSettled([
            ledger.append(log(`${n}a`)),
            ledger.append(log(`${n}b`)),
          ]);
          for (const result of settled) if (result.status === "fulfilled") acknowledged.push(result.value);
        }
        expect(acknowledged).toHaveLength(2 * Math.min(at - 1, 3));
        expect(codes(await Promise.allSettled([ledger.append(log("more"))]))).toEqual(["LEDGER_FAILED"]);
        expect(ledger.head.seq).toBe(acknowledged.length);
        await ledger.close();
        await using again = await openLedger(memory, "r");
        await again.append(log("after"));
        const records = await Array.fromAsync(again.replay());
        expect(records.slice(0, acknowledged.length)).toEqual(acknowledged);
        expect((await again.verifyChain()).ok).toBe(true);
      }
    }
  });

  it("rejects everything that waits behind a failed write, with the cause", async () => {
    await using memory = memoryStore();
    const cause = new Error("sync failed");
    const store = withAppend(memory, () => Promise.reject(cause));
    await using ledger = await openLedger(store, "r");
    const first = ledger.append(log("1"));
    await expect(first).rejects.toMatchObject({ code: "LEDGER_FAILED", cause });
    const settled = await Promise.allSettled([ledger.append(log("2")), ledger.append(log("3"))]);
    expect(codes(settled)).toEqual(["LEDGER_FAILED", "LEDGER_FAILED"]);
    expect(await memory.logs.head(KEY)).toBe(0);
  });

  it("refuses a second writer's late append", async () => {
    await using store = memoryStore();
    const one = await openLedger(store, "r");
    const two = await openLedger(store, "r");
    await one.append(log("one"));
    await expect(two.append(log("two"))).rejects.toMatchObject({ code: "LEDGER_CONFLICT" });
    await expect(two.append(log("two"))).rejects.toMatchObject({ code: "LEDGER_FAILED" });
    await one.append(log("one again"));
    expect((await one.verifyChain()).ok).toBe(true);
  });

  it("refuses a holder that was fenced off, when it appends and when it opens", async () => {
    await using store = memoryStore();
    const old = await claimRun(store, "old");
    const late = await openLedger(store, "r", { fence: old });
    await late.append(log("in time"));
    await store.work.settle({ ...old, payload: {}, worker: "old" }, "ready");
    const next = await claimRun(store, "next");
    expect(next.token).toBeGreaterThan(old.token);
    await using ledger = await openLedger(store, "r", { fence: next });
    await expect(late.append(log("late"))).rejects.toMatchObject({ code: "LEDGER_FENCED" });
    const { fence } = await ledger.append(log("mine"));
    expect(fence).toBe(next.token);
    await expect(openLedger(store, "r", { fence: old })).rejects.toMatchObject({ code: "LEDGER_FENCED" });
    await expect(openLedger(store, "r")).rejects.toMatchObject({ code: "LEDGER_FENCED" });
  });

  it("append() rejects with LEDGER_CLOSED after close(), which waits for what is under way", async () => {
    await using store = memoryStore();
    const ledger = await openLedger(store, "r");
    let done = false;
    const pending = (async () => {
      await ledger.append(log("1"));
      done = true;
    })();
    await ledger.close();
    expect(done).toBe(true);
    await pending;
    await ledger.close();
    await expect(ledger.append(log("2"))).rejects.toMatchObject({ code: "LEDGER_CLOSED" });
  });
});

describe("openLedger()", () => {
  it.each([
    ["no JSON", "{"],
    ["no message", '{"kind":"log"}'],
    ["another seq", JSON.stringify({ ...log("x"), seq: 7, fence: 0, chain: "0".repeat(64) })],
    ["a chain that is none", JSON.stringify({ ...log("x"), seq: 2, fence: 0, chain: "0" })],
    ["no chain after lines with one", JSON.stringify(log("x"))],
  ])("refuses to go on after a last line with %s", async (_, text) => {
    await using store = memoryStore();
    const ledger = await openLedger(store, "r");
    await ledger.append(log("1"));
    await store.logs.append(KEY, [{ text }]);
    await expect(openLedger(store, "r")).rejects.toMatchObject({ code: "LEDGER_DAMAGED", position: 2 });
  });

  it("reads the last line only", async () => {
    await using store = memoryStore();
    const reads: unknown[] = [];
    {
      await using ledger = await openLedger(store, "r");
      await Promise.all(Array.from({ length: 10 }, (_, n) => ledger.append(log(`${n}`))));
    }
    const read: Store["logs"]["read"] = (key, options) => {
      reads.push(options);
      return store.logs.read(key, options);
    };
    await openLedger(storeWith(store, { read }), "r");
    expect(reads).toEqual([{ from: 10 }]);
  });

  it.each(["", "..", "a/b", ".hidden", "a b"])("refuses %j as an id of a run", async (runId) => {
    await using store = memoryStore();
    await expect(openLedger(store, runId)).rejects.toBeInstanceOf(RangeError);
  });
});

describe("replay()", () => {
  it("names the line that cannot be read, after giving those before it", async () => {
    await using store = storeOfLines([JSON.stringify(log("1")), "nonsense"]);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const { message } of readLedger(store, "r").replay()) seen.push(message);
    })();
    await expect(reading).rejects.toMatchObject({ code: "LEDGER_DAMAGED", position: 2 });
    expect(seen).toEqual([log("1")]);
  });

  it("refuses a line in the wrong place", async () => {
    await using store = memoryStore();
    {
      await using ledger = await openLedger(store, "r");
      for (const text of ["1", "2", "3"]) await ledger.append(log(text));
    }
    const lines = await Array.fromAsync(store.logs.read(KEY), ({ text }) => ({ text }));
    await using other = memoryStore();
    await other.logs.append(KEY, lines.toSpliced(1, 1));
    await expect(Array.fromAsync(readLedger(other, "r").replay())).rejects.toMatchObject({ position: 2 });
  });

  it("an unchained ledger reads with its places", async () => {
    await using store = memoryStore();
    await store.logs.append(
      KEY,
      [command(1), heartbeat(77), event(1, "error")].map((message) => ({ text: JSON.stringify(message) })),
    );
    const records = await Array.fromAsync(readLedger(store, "r").replay());
    expect(records).toEqual([
      { seq: 1, fence: undefined, chain: undefined, message: command(1) },
      { seq: 2, fence: undefined, chain: undefined, message: heartbeat(77) },
      { seq: 3, fence: undefined, chain: undefined, message: event(1, "error") },
    ]);
  });
});
