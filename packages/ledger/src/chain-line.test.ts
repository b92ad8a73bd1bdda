import assert from "node:assert/strict";
import { memoryStore } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { anyMessage } from "../test/messages.ts";
import { readAnyLine, readUsualLine } from "./chain-line.ts";
import { openLedger } from "./index.ts";

const CHAIN = "0123456789abcdef".repeat(4);

async function written(
  messages: readonly Parameters<Awaited<ReturnType<typeof openLedger>>["append"]>[0][],
): Promise<string[]> {
  await using store = memoryStore();
  await using ledger = await openLedger(store, "r");
  await Promise.all(messages.map((message) => ledger.append(message)));
  return await Array.fromAsync(store.logs.read("runs/r/ledger"), ({ text }) => text);
}

/** Whatever the short way says of a line, the long way says it too. */
function assertSame(text: string): boolean {
  const usual = readUsualLine(text, 1);
  if (usual !== undefined) assert.deepEqual(usual, readAnyLine(text, 1), text);
  return usual !== undefined;
}

describe("the short way to take a line apart", () => {
  it("is taken for every line that the ledger wrote, and says what the long way says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { minLength: 1, maxLength: 8 }), async (messages) => {
        for (const text of await written(messages)) assert.ok(assertSame(text), text);
      }),
      { numRuns: 100 },
    );
  });

  it("says of a line that was changed, in whichever way, what the long way says, or nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyMessage,
        fc.nat(),
        fc.nat({ max: 12 }),
        fc.string({ unit: "binary", maxLength: 4 }),
        async (message, at, length, put) => {
          const [text = ""] = await written([message]);
          const from = at % text.length;
          assertSame(text.slice(0, from) + put + text.slice(from + length));
          assertSame(text.slice(from));
          assertSame(text.slice(0, from));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["two chains", `{"seq":1,"fence":0,"chain":"${CHAIN}","chain":"${CHAIN}"}`],
    ["a chain first", `{"chain":1,"seq":1,"fence":0,"chain":"${CHAIN}"}`],
    ["nothing before it", `{,"chain":"${CHAIN}"}`],
    ["blanks before it", `{ ,"chain":"${CHAIN}"}`],
    ["a comma before it", `{"seq":1,"fence":0,,"chain":"${CHAIN}"}`],
    ["a chain in a text", `{"seq":1,"fence":0,"a":"b,"chain":"${CHAIN}"}`],
    ["a chain of an object inside", `{"seq":1,"fence":0,"a":{"b":1,"chain":"${CHAIN}"}`],
    ["a chain in a list", `[1,"chain":"${CHAIN}"}`],
    ["no fence", `{"seq":1,"chain":"${CHAIN}"}`],
    ["no seq", `{"fence":1,"chain":"${CHAIN}"}`],
    ["a seq that is a text", `{"seq":"1","fence":1,"chain":"${CHAIN}"}`],
    ["capitals in the chain", `{"seq":1,"fence":0,"chain":"${CHAIN.toUpperCase()}"}`],
    [
      "letters beyond the Latin ones in the chain",
      `{"seq":1,"fence":0,"chain":"${CHAIN.replace("a", "\u0161")}"}`,
    ],
    ["a byte order mark", `\uFEFF{"seq":1,"fence":0,"chain":"${CHAIN}"}`],
    ["half of a pair of surrogates", `{"seq":1,"fence":0,"a":"\\ud800","chain":"${CHAIN}"}`],
    ["more behind it", `{"seq":1,"fence":0,"chain":"${CHAIN}"} `],
    ["a carriage return behind it", `{"seq":1,"fence":0,"chain":"${CHAIN}"}\r`],
  ])("leaves a line to the long way: %s", (_what, text) => {
    assert.equal(readUsualLine(text, 1), undefined);
    readAnyLine(text, 1);
  });

  it.each([
    ["other spellings of numbers", `{"seq":1.0,"fence":0e0,"a":1e2,"b":-0,"chain":"${CHAIN}"}`],
    ["blanks", `{"seq":1, "fence":0 ,"chain":"${CHAIN}"}`],
    ["escapes that need not be", `{"seq":1,"fence":0,"a":"\\u0061","chain":"${CHAIN}"}`],
    ["a name twice", `{"seq":1,"fence":0,"a":1,"a":2,"chain":"${CHAIN}"}`],
    ["names that are numbers", `{"b":1,"9":1,"10":1,"seq":1,"fence":0,"chain":"${CHAIN}"}`],
    ["a name __proto__", `{"seq":1,"fence":0,"__proto__":{"a":1},"chain":"${CHAIN}"}`],
    ["no kind", `{"seq":7,"fence":3,"chain":"${CHAIN}"}`],
    ["a number of its agent", `{"kind":"heartbeat","seq":7,"agent_seq":2,"fence":3,"chain":"${CHAIN}"}`],
  ])("agrees with it on a line with %s", (_what, text) => {
    assert.ok(assertSame(text));
  });
});
